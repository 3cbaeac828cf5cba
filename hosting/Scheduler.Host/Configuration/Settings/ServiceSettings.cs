namespace Scheduler.Host.Configuration;

/// <summary>
/// The whole configuration, checked: every value is in its range, every name that is referred to exists. Nothing behind
/// this record looks at configuration text again.
/// </summary>
public sealed record ServiceSettings
{
    /// <summary>Where the service keeps its own files; relative to the working directory unless absolute.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>The node of a cluster that this process is; null: it is alone.</summary>
    public required ClusterSettings? Cluster { get; init; }

    /// <summary>Whether addresses that other machines can reach were allowed.</summary>
    public required bool Insecure { get; init; }

    /// <summary>
    /// The event journal: a SQLite file, relative to the working directory unless absolute, or Npgsql's connection string of a
    /// PostgreSQL database, as <see cref="Scheduler.Storage.Journal.EventJournals"/> takes them.
    /// </summary>
    public required string Journal { get; init; }

    /// <summary>What is logged.</summary>
    public required LogSettings Log { get; init; }

    /// <summary>The NBD front end.</summary>
    public required NbdSettings Nbd { get; init; }

    /// <summary>Rings in shared memory; null: none.</summary>
    public required RingsSettings? Rings { get; init; }

    /// <summary>Virtual disks of Xen's guests; null: none.</summary>
    public required XenSettings? Xen { get; init; }

    /// <summary>Where the admin API listens, over HTTP.</summary>
    public required ListenEndpoint AdminListen { get; init; }

    /// <summary>TLS there; null: none.</summary>
    public required AdminTlsSettings? AdminTls { get; init; }

    /// <summary>Export of traces and metrics.</summary>
    public required TelemetrySettings Telemetry { get; init; }

    /// <summary>Volumes in file order; at least one.</summary>
    public required IReadOnlyList<VolumeSettings> Volumes { get; init; }

    /// <summary>Guests in file order; at least one.</summary>
    public required IReadOnlyList<GuestSettings> Guests { get; init; }

    /// <summary>Disks in file order, at least one: the first is what the empty NBD export name gives.</summary>
    public required IReadOnlyList<DiskSettings> Disks { get; init; }
}

/// <summary>The NBD front end.</summary>
/// <param name="Listen">At least one address, all different.</param>
/// <param name="ConnectionsMax">Connections at once, over all addresses; 1 to 65,536.</param>
/// <param name="HandshakeTimeout">Time for a client to reach transmission; 100 ms to 10 min.</param>
/// <param name="HandshakesMax">Connections at once that have not reached it; 1 to 65,536.</param>
/// <param name="Credits">Requests in flight per connection; 1 to 1,024.</param>
/// <param name="Tls">TLS; null: there is none.</param>
public sealed record NbdSettings(
    IReadOnlyList<ListenEndpoint> Listen, int ConnectionsMax, TimeSpan HandshakeTimeout, int HandshakesMax, int Credits, TlsSettings? Tls);

/// <summary>Rings in shared memory.</summary>
/// <param name="Path">Path of the Unix socket, relative to the working directory unless absolute.</param>
/// <param name="ConnectionsMax">Rings at once; 1 to 65,536.</param>
/// <param name="HandshakeTimeout">Time for a program to say which disk it wants; 100 ms to 10 min.</param>
public sealed record RingsSettings(string Path, int ConnectionsMax, TimeSpan HandshakeTimeout);

/// <summary>Virtual disks of Xen's guests.</summary>
/// <param name="Backend">Name of the backend in xenstore: up to 63 letters, digits, '_' and '-'.</param>
/// <param name="Store">Path of xenstore's socket or device; null: the first of the usual ones that is there.</param>
/// <param name="RingsMax">Rings at once; 1 to 65,536.</param>
/// <param name="QueuesMax">Rings that a disk without barriers may have; 1 to 16.</param>
/// <param name="RunDirectory">Where it is kept what is under way.</param>
public sealed record XenSettings(string Backend, string? Store, int RingsMax, int QueuesMax, string RunDirectory);

/// <summary>TLS of the NBD front end; PEM files, relative to the working directory unless absolute.</summary>
/// <param name="Certificate">The server's certificate, and those between it and its root.</param>
/// <param name="Key">Its private key.</param>
/// <param name="ClientCa">The CAs of clients; null: clients show no certificate.</param>
/// <param name="Required">Whether clients over TCP must use it.</param>
public sealed record TlsSettings(string Certificate, string Key, string? ClientCa, bool Required);

/// <summary>TLS of the admin address; PEM files, relative to the working directory unless absolute.</summary>
/// <param name="Certificate">The server's certificate, and those between it and its root.</param>
/// <param name="Key">Its private key.</param>
public sealed record AdminTlsSettings(string Certificate, string Key);

/// <summary>Lowest levels that are logged.</summary>
/// <param name="Level">Where nothing else is said.</param>
/// <param name="Volume">Of volumes; null: as <paramref name="Level"/>, and so below.</param>
/// <param name="Nbd">Of guests' connections.</param>
/// <param name="Rings">Of rings in shared memory.</param>
/// <param name="Actors">Of actors.</param>
/// <param name="Admin">Of the admin address.</param>
public sealed record LogSettings(LogLevel Level, LogLevel? Volume, LogLevel? Nbd, LogLevel? Rings, LogLevel? Actors, LogLevel? Admin);

/// <summary>Export of traces and metrics.</summary>
/// <param name="OtlpEndpoint">An http or https address of an OTLP collector; null: nothing is exported.</param>
/// <param name="TraceRatio">Share of requests that become spans, 0 to 1.</param>
public sealed record TelemetrySettings(Uri? OtlpEndpoint, double TraceRatio);
