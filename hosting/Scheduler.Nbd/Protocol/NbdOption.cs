namespace Scheduler.Nbd.Protocol;

/// <summary>What a client asks for during the handshake (section "Option types").</summary>
public enum NbdOption : uint
{
    /// <summary>Choose an export and start transmission; cannot be answered with an error.</summary>
    ExportName = 1,

    /// <summary>End the connection.</summary>
    Abort = 2,

    /// <summary>Name the exports.</summary>
    List = 3,

    /// <summary>Upgrade the connection to TLS.</summary>
    StartTls = 5,

    /// <summary>Describe an export.</summary>
    Info = 6,

    /// <summary>Describe an export and start transmission on it.</summary>
    Go = 7,

    /// <summary>Reply to reads in structured chunks.</summary>
    StructuredReply = 8,

    /// <summary>Name the metadata contexts of an export.</summary>
    ListMetaContext = 9,

    /// <summary>Choose the metadata contexts that <see cref="NbdCommand.BlockStatus"/> reports.</summary>
    SetMetaContext = 10,
}
