namespace Scheduler.Nbd.Protocol;

/// <summary>
/// Flags of the server's greeting, and with the same bits the client's answer (section "Handshake flags").
/// </summary>
[Flags]
public enum HandshakeFlags : uint
{
    /// <summary>No flag.</summary>
    None = 0,

    /// <summary>Options are answered, errors too.</summary>
    FixedNewstyle = 1 << 0,

    /// <summary>No padding after the reply to <see cref="NbdOption.ExportName"/>.</summary>
    NoZeroes = 1 << 1,
}
