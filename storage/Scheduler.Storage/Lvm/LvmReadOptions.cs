namespace Scheduler.Storage.Lvm;

/// <summary>What a group is judged by.</summary>
public sealed record LvmReadOptions
{
    /// <summary>This host's LVM2 system id (<c>lvm systemid</c>): groups of another are not served. Null: it has none.</summary>
    public string? SystemId { get; init; }

    /// <summary>Where the kernel says which of its drivers hold a block device.</summary>
    public string SysfsPath { get; init; } = "/sys";
}
