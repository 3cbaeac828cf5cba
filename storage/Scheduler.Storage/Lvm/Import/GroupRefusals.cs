namespace Scheduler.Storage.Lvm.Import;

/// <summary>Why nothing of a group is served.</summary>
internal static class GroupRefusals
{
    /// <param name="name">The group.</param>
    /// <param name="status">Its flags.</param>
    /// <param name="systemId">Its system id, or empty.</param>
    /// <param name="lockType">Its lock type, or empty.</param>
    /// <param name="found">Its physical volumes that were found.</param>
    /// <param name="options">What it is judged by.</param>
    /// <returns>The reason, or null.</returns>
    public static LvmRefusal? Of(
        string name,
        HashSet<string> status,
        string systemId,
        string lockType,
        IEnumerable<FoundPhysicalVolume> found,
        LvmReadOptions options)
    {
        if (status.Contains("EXPORTED"))
            return new LvmRefusal($"group {name} is exported, to be moved to another host", $"vgimport {name}");
        bool locked = lockType is not ("" or "none");
        if (locked || status.Contains("CLUSTERED") || status.Contains("SHARED"))
        {
            return new LvmRefusal(
                $"group {name} is shared between hosts{(locked ? $" by {lockType}" : "")}",
                $"vgchange --locktype none {name}, if one host only is to use it");
        }

        if (systemId.Length > 0 && systemId != options.SystemId)
        {
            string own = string.IsNullOrEmpty(options.SystemId) ? "none" : options.SystemId;
            return new LvmRefusal(
                $"group {name} belongs to the host with system id {systemId}, and the one of this host is {own}",
                $"stop it there and take it over with vgchange --systemid, or give the system id of this host if it is {systemId}");
        }

        if (!status.Contains("WRITE") && !status.Contains("WRITE_LOCKED"))
            return new LvmRefusal($"group {name} is read-only", "vgcfgrestore of a backup that has the status WRITE");
        return found.FirstOrDefault(one => one.Holders.Count > 0) is FoundPhysicalVolume held
            ? new LvmRefusal(
                $"the kernel uses {held.Path} ({string.Join(", ", held.Holders)})",
                $"vgchange -an {name} gives it free; two that write to one device destroy its data")
            : null;
    }
}
