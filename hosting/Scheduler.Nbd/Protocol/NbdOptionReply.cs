namespace Scheduler.Nbd.Protocol;

/// <summary>How the server answers an option (section "Option reply types"). Errors have bit 31 set.</summary>
public enum NbdOptionReply : uint
{
    /// <summary>Done; ends a list.</summary>
    Ack = 1,

    /// <summary>One export of <see cref="NbdOption.List"/>.</summary>
    Server = 2,

    /// <summary>One <see cref="NbdInfo"/> of an export.</summary>
    Info = 3,

    /// <summary>One metadata context.</summary>
    MetaContext = 4,

    /// <summary>The option is not known here.</summary>
    ErrorUnsupported = ErrorBit + 1,

    /// <summary>The server's policy forbids it.</summary>
    ErrorPolicy = ErrorBit + 2,

    /// <summary>The option or its data is malformed, or does not fit what was negotiated.</summary>
    ErrorInvalid = ErrorBit + 3,

    /// <summary>Nothing but <see cref="NbdOption.StartTls"/> is answered before TLS.</summary>
    ErrorTlsRequired = ErrorBit + 5,

    /// <summary>There is no such export.</summary>
    ErrorUnknown = ErrorBit + 6,

    /// <summary>The server is stopping, or the export is.</summary>
    ErrorShutdown = ErrorBit + 7,

    /// <summary>The option's data is longer than this server reads.</summary>
    ErrorTooBig = ErrorBit + 9,

    /// <summary>Set in every error, and in nothing else.</summary>
    ErrorBit = 1u << 31,
}
