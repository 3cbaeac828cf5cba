namespace Scheduler.Host.Configuration;

/// <summary><c>scheduler.cluster</c></summary>
internal sealed class ClusterEntry
{
    [ConfigurationKeyName("name")]
    public string? Name { get; set; }

    [ConfigurationKeyName("node")]
    public string? Node { get; set; }

    [ConfigurationKeyName("roles")]
    public List<string> Roles { get; set; } = [];

    [ConfigurationKeyName("listen")]
    public string? Listen { get; set; }

    [ConfigurationKeyName("payload")]
    public string? Payload { get; set; }

    [ConfigurationKeyName("seeds")]
    public List<string> Seeds { get; set; } = [];

    [ConfigurationKeyName("detect-after")]
    public string? DetectAfter { get; set; }

    [ConfigurationKeyName("stable-after")]
    public string? StableAfter { get; set; }

    [ConfigurationKeyName("lease")]
    public string? Lease { get; set; }

    [ConfigurationKeyName("fence")]
    public FenceEntry Fence { get; set; } = new();

    [ConfigurationKeyName("reattach-max")]
    public string? ReattachMax { get; set; }
}

/// <summary><c>scheduler.cluster.fence</c></summary>
internal sealed class FenceEntry
{
    [ConfigurationKeyName("method")]
    public string? Method { get; set; }

    [ConfigurationKeyName("command")]
    public List<string> Command { get; set; } = [];

    [ConfigurationKeyName("timeout")]
    public string? Timeout { get; set; }
}
