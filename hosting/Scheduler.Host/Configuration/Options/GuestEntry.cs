namespace Scheduler.Host.Configuration;

/// <summary><c>scheduler.guests.&lt;name&gt;</c></summary>
internal sealed class GuestEntry
{
    [ConfigurationKeyName("weight")]
    public string? Weight { get; set; }

    [ConfigurationKeyName("reservation")]
    public string? Reservation { get; set; }

    [ConfigurationKeyName("limit")]
    public string? Limit { get; set; }

    [ConfigurationKeyName("flush-latency-max")]
    public string? FlushLatencyMax { get; set; }

    [ConfigurationKeyName("unflushed-max")]
    public string? UnflushedMax { get; set; }

    [ConfigurationKeyName("buffer-memory")]
    public string? BufferMemory { get; set; }

    [ConfigurationKeyName("connections-max")]
    public string? ConnectionsMax { get; set; }

    [ConfigurationKeyName("certificates")]
    public List<string> Certificates { get; set; } = [];

    [ConfigurationKeyName("uids")]
    public List<string> Uids { get; set; } = [];

    [ConfigurationKeyName("domains")]
    public List<string> Domains { get; set; } = [];
}
