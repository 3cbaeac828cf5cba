namespace Scheduler.Nbd.Protocol;

/// <summary>Why a connection ends; for logs and for telling a clean end from a broken client.</summary>
public enum CloseReason
{
    /// <summary>It does not end.</summary>
    None,

    /// <summary>The client sent <see cref="NbdOption.Abort"/>: clean.</summary>
    ClientAborted,

    /// <summary>
    /// The client sent <see cref="NbdCommand.Disconnect"/>: clean, once what is in flight is answered.
    /// </summary>
    ClientDisconnected,

    /// <summary>An option or a request does not begin with its magic: the stream is out of step.</summary>
    BadMagic,

    /// <summary>The client set a handshake flag that the server did not offer.</summary>
    UnknownClientFlags,

    /// <summary>A client that cannot read option replies sent an option that needs one.</summary>
    NotFixedNewstyle,

    /// <summary>Option data beyond what the server is ready to discard.</summary>
    OptionDataTooLong,

    /// <summary>More options than any client needs.</summary>
    TooManyOptions,

    /// <summary><see cref="NbdOption.ExportName"/> with a name that is no string of the protocol.</summary>
    BadExportName,

    /// <summary><see cref="NbdOption.ExportName"/> of an export that is not there.</summary>
    UnknownExport,

    /// <summary><see cref="NbdOption.ExportName"/> while the export or the server is stopping.</summary>
    ExportUnavailable,

    /// <summary><see cref="NbdOption.ExportName"/> without TLS, which this server requires.</summary>
    TlsRequired,

    /// <summary><see cref="NbdOption.ExportName"/> of a client whose certificate is no good.</summary>
    ClientRefused,

    /// <summary>A write whose payload is more than the server is ready to discard.</summary>
    PayloadTooLong,
}
