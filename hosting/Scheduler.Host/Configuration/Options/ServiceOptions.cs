namespace Scheduler.Host.Configuration;

/// <summary>
/// The section <c>scheduler</c> as bound, unchecked. Every value is kept as the text that was written, because a binder
/// that converts reports a bad value without its line; <see cref="SettingsBuilder"/> converts, checks, and names key
/// and line. <c>hocon/reference.conf</c> says what each key means.
/// </summary>
internal sealed class ServiceOptions
{
    /// <summary>The section's name.</summary>
    public const string Section = "scheduler";

    [ConfigurationKeyName("data-dir")]
    public string? DataDir { get; set; }

    [ConfigurationKeyName("insecure")]
    public string? Insecure { get; set; }

    [ConfigurationKeyName("engine")]
    public string? Engine { get; set; }

    [ConfigurationKeyName("cluster")]
    public ClusterEntry Cluster { get; set; } = new();

    [ConfigurationKeyName("journal")]
    public JournalEntry Journal { get; set; } = new();

    [ConfigurationKeyName("nbd")]
    public NbdEntry Nbd { get; set; } = new();

    [ConfigurationKeyName("rings")]
    public RingsEntry Rings { get; set; } = new();

    [ConfigurationKeyName("xen")]
    public XenEntry Xen { get; set; } = new();

    [ConfigurationKeyName("admin")]
    public AdminEntry Admin { get; set; } = new();

    [ConfigurationKeyName("telemetry")]
    public TelemetryEntry Telemetry { get; set; } = new();

    [ConfigurationKeyName("log")]
    public LogEntry Log { get; set; } = new();

    [ConfigurationKeyName("volumes")]
    public Dictionary<string, VolumeEntry> Volumes { get; set; } = [];

    [ConfigurationKeyName("guests")]
    public Dictionary<string, GuestEntry> Guests { get; set; } = [];

    [ConfigurationKeyName("disks")]
    public Dictionary<string, DiskEntry> Disks { get; set; } = [];
}

/// <summary><c>scheduler.journal</c></summary>
internal sealed class JournalEntry
{
    [ConfigurationKeyName("sqlite")]
    public string? Sqlite { get; set; }

    [ConfigurationKeyName("postgres")]
    public string? Postgres { get; set; }
}

/// <summary><c>scheduler.nbd</c></summary>
internal sealed class NbdEntry
{
    [ConfigurationKeyName("listen")]
    public List<string> Listen { get; set; } = [];

    [ConfigurationKeyName("connections-max")]
    public string? ConnectionsMax { get; set; }

    [ConfigurationKeyName("handshake-timeout")]
    public string? HandshakeTimeout { get; set; }

    [ConfigurationKeyName("handshakes-max")]
    public string? HandshakesMax { get; set; }

    [ConfigurationKeyName("credits")]
    public string? Credits { get; set; }

    [ConfigurationKeyName("tls")]
    public TlsEntry Tls { get; set; } = new();
}

/// <summary><c>scheduler.nbd.tls</c></summary>
internal sealed class TlsEntry
{
    [ConfigurationKeyName("certificate")]
    public string? Certificate { get; set; }

    [ConfigurationKeyName("key")]
    public string? Key { get; set; }

    [ConfigurationKeyName("client-ca")]
    public string? ClientCa { get; set; }

    [ConfigurationKeyName("required")]
    public string? Required { get; set; }
}

/// <summary><c>scheduler.xen</c></summary>
internal sealed class XenEntry
{
    [ConfigurationKeyName("enabled")]
    public string? Enabled { get; set; }

    [ConfigurationKeyName("backend")]
    public string? Backend { get; set; }

    [ConfigurationKeyName("store")]
    public string? Store { get; set; }

    [ConfigurationKeyName("rings-max")]
    public string? RingsMax { get; set; }

    [ConfigurationKeyName("queues-max")]
    public string? QueuesMax { get; set; }

    [ConfigurationKeyName("run-dir")]
    public string? RunDir { get; set; }
}

/// <summary><c>scheduler.rings</c></summary>
internal sealed class RingsEntry
{
    [ConfigurationKeyName("listen")]
    public string? Listen { get; set; }

    [ConfigurationKeyName("connections-max")]
    public string? ConnectionsMax { get; set; }

    [ConfigurationKeyName("handshake-timeout")]
    public string? HandshakeTimeout { get; set; }
}

/// <summary><c>scheduler.admin</c></summary>
internal sealed class AdminEntry
{
    [ConfigurationKeyName("listen")]
    public string? Listen { get; set; }

    [ConfigurationKeyName("tls")]
    public AdminTlsEntry Tls { get; set; } = new();
}

/// <summary><c>scheduler.admin.tls</c></summary>
internal sealed class AdminTlsEntry
{
    [ConfigurationKeyName("certificate")]
    public string? Certificate { get; set; }

    [ConfigurationKeyName("key")]
    public string? Key { get; set; }
}

/// <summary><c>scheduler.telemetry</c></summary>
internal sealed class TelemetryEntry
{
    [ConfigurationKeyName("otlp-endpoint")]
    public string? OtlpEndpoint { get; set; }

    [ConfigurationKeyName("trace-ratio")]
    public string? TraceRatio { get; set; }
}

/// <summary><c>scheduler.log</c></summary>
internal sealed class LogEntry
{
    [ConfigurationKeyName("level")]
    public string? Level { get; set; }

    [ConfigurationKeyName("levels")]
    public LogLevelsEntry Levels { get; set; } = new();
}

/// <summary><c>scheduler.log.levels</c></summary>
internal sealed class LogLevelsEntry
{
    [ConfigurationKeyName("volume")]
    public string? Volume { get; set; }

    [ConfigurationKeyName("nbd")]
    public string? Nbd { get; set; }

    [ConfigurationKeyName("rings")]
    public string? Rings { get; set; }

    [ConfigurationKeyName("actors")]
    public string? Actors { get; set; }

    [ConfigurationKeyName("admin")]
    public string? Admin { get; set; }
}
