namespace Scheduler.Host.Configuration;

/// <summary><c>scheduler.volumes.&lt;name&gt;</c></summary>
internal sealed class VolumeEntry
{
    [ConfigurationKeyName("path")]
    public string? Path { get; set; }

    [ConfigurationKeyName("lvm")]
    public List<string> Lvm { get; set; } = [];

    [ConfigurationKeyName("lvm-system-id")]
    public string? LvmSystemId { get; set; }

    [ConfigurationKeyName("size")]
    public string? Size { get; set; }

    [ConfigurationKeyName("preallocate")]
    public string? Preallocate { get; set; }

    [ConfigurationKeyName("cache")]
    public string? Cache { get; set; }

    [ConfigurationKeyName("io")]
    public string? Io { get; set; }

    [ConfigurationKeyName("depth")]
    public string? Depth { get; set; }

    [ConfigurationKeyName("policy")]
    public string? Policy { get; set; }

    [ConfigurationKeyName("device")]
    public string? Device { get; set; }

    [ConfigurationKeyName("cost")]
    public CostEntry Cost { get; set; } = new();

    [ConfigurationKeyName("faulty")]
    public FaultyEntry Faulty { get; set; } = new();
}

/// <summary><c>scheduler.volumes.&lt;name&gt;.cost</c></summary>
internal sealed class CostEntry
{
    [ConfigurationKeyName("operation")]
    public string? Operation { get; set; }

    [ConfigurationKeyName("per-mib")]
    public string? PerMib { get; set; }

    [ConfigurationKeyName("flush")]
    public string? Flush { get; set; }
}

/// <summary><c>scheduler.volumes.&lt;name&gt;.faulty</c></summary>
internal sealed class FaultyEntry
{
    [ConfigurationKeyName("service-time")]
    public string? ServiceTime { get; set; }

    [ConfigurationKeyName("parallel")]
    public string? Parallel { get; set; }

    [ConfigurationKeyName("flush-time")]
    public string? FlushTime { get; set; }

    [ConfigurationKeyName("error")]
    public string? Error { get; set; }
}
