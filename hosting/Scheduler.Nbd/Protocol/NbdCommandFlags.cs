namespace Scheduler.Nbd.Protocol;

/// <summary>Modifiers of a request (section "Command flags").</summary>
[Flags]
public enum NbdCommandFlags : ushort
{
    /// <summary>No modifier.</summary>
    None = 0,

    /// <summary>Replied to only when its own data is durable; accepted with every command.</summary>
    Fua = 1 << 0,

    /// <summary>With <see cref="NbdCommand.WriteZeroes"/>: keep the range allocated.</summary>
    NoHole = 1 << 1,

    /// <summary>With <see cref="NbdCommand.Read"/>: reply with one content chunk.</summary>
    DontFragment = 1 << 2,

    /// <summary>With <see cref="NbdCommand.BlockStatus"/>: reply with one extent.</summary>
    RequestOne = 1 << 3,

    /// <summary>With <see cref="NbdCommand.WriteZeroes"/>: fail rather than be as slow as a write.</summary>
    FastZero = 1 << 4,
}
