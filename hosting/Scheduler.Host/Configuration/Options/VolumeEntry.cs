namespace Scheduler.Host.Configuration;

/// <summary><c>scheduler.volumes.&lt;name&gt;</c></summary>
internal sealed class VolumeEntry
{
    [ConfigurationKeyName("path")]
    public string? Path { get; set; }

    [ConfigurationKeyName("role")]
    public string? Role { get; set; }

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

    [ConfigurationKeyName("latency-target")]
    public string? LatencyTarget { get; set; }

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
    [ConfigurationKeyName("channels")]
    public string? Channels { get; set; }

    [ConfigurationKeyName("read")]
    public string? Read { get; set; }

    [ConfigurationKeyName("write")]
    public string? Write { get; set; }

    [ConfigurationKeyName("per-mib")]
    public string? PerMib { get; set; }

    [ConfigurationKeyName("write-per-mib")]
    public string? WritePerMib { get; set; }

    [ConfigurationKeyName("flush")]
    public string? Flush { get; set; }

    [ConfigurationKeyName("flush-per-mib")]
    public string? FlushPerMib { get; set; }

    [ConfigurationKeyName("durable-write")]
    public string? DurableWrite { get; set; }

    [ConfigurationKeyName("discard")]
    public string? Discard { get; set; }

    [ConfigurationKeyName("discard-per-mib")]
    public string? DiscardPerMib { get; set; }

    [ConfigurationKeyName("spread")]
    public string? Spread { get; set; }
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
