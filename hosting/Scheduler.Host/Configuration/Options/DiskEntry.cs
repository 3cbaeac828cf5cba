namespace Scheduler.Host.Configuration;

/// <summary><c>scheduler.disks.&lt;name&gt;</c></summary>
internal sealed class DiskEntry
{
    [ConfigurationKeyName("volume")]
    public string? Volume { get; set; }

    [ConfigurationKeyName("guest")]
    public string? Guest { get; set; }

    [ConfigurationKeyName("offset")]
    public string? Offset { get; set; }

    [ConfigurationKeyName("size")]
    public string? Size { get; set; }

    [ConfigurationKeyName("lv")]
    public string? Lv { get; set; }

    [ConfigurationKeyName("ordered")]
    public string? Ordered { get; set; }
}
