namespace Scheduler.Nbd.Protocol;

/// <summary>What an export can do, as told to the client (section "Transmission flags").</summary>
[Flags]
public enum TransmissionFlags : ushort
{
    /// <summary>No flag; never sent.</summary>
    None = 0,

    /// <summary>Always set.</summary>
    HasFlags = 1 << 0,

    /// <summary>Writes fail with <see cref="NbdError.EPERM"/>.</summary>
    ReadOnly = 1 << 1,

    /// <summary><see cref="NbdCommand.Flush"/> is served.</summary>
    SendFlush = 1 << 2,

    /// <summary><see cref="NbdCommandFlags.Fua"/> is honoured.</summary>
    SendFua = 1 << 3,

    /// <summary><see cref="NbdCommand.Trim"/> is served.</summary>
    SendTrim = 1 << 5,

    /// <summary><see cref="NbdCommand.WriteZeroes"/> and <see cref="NbdCommandFlags.NoHole"/> are served.</summary>
    SendWriteZeroes = 1 << 6,

    /// <summary><see cref="NbdCommandFlags.DontFragment"/> is honoured; only with structured replies.</summary>
    SendDontFragment = 1 << 7,

    /// <summary>A flush on one connection covers what any connection to the export was told is written.</summary>
    CanMultiConn = 1 << 8,

    /// <summary><see cref="NbdCommand.Cache"/> is served.</summary>
    SendCache = 1 << 10,

    /// <summary><see cref="NbdCommandFlags.FastZero"/> is honoured.</summary>
    SendFastZero = 1 << 11,
}
