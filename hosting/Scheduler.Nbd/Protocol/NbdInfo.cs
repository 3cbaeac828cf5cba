namespace Scheduler.Nbd.Protocol;

/// <summary>What <see cref="NbdOptionReply.Info"/> tells of an export.</summary>
public enum NbdInfo : ushort
{
    /// <summary>Size and transmission flags; always sent.</summary>
    Export = 0,

    /// <summary>The canonical name.</summary>
    Name = 1,

    /// <summary>A text for people.</summary>
    Description = 2,

    /// <summary>Minimum block, preferred block and maximum payload.</summary>
    BlockSize = 3,
}
