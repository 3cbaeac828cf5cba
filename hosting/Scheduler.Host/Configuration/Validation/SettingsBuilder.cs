using Scheduler.Actors;

namespace Scheduler.Host.Configuration;

/// <summary>
/// Checks bound options as a whole and gives the settings, or an error that names the first wrong key.
/// </summary>
/// <param name="document">Where each key was written, and in which order.</param>
/// <param name="file">Where to point when a whole section is missing.</param>
internal sealed class SettingsBuilder(HoconDocument document, HoconPosition file)
{
    private readonly SettingsReader _reader = new(document);

    /// <summary>Checks everything.</summary>
    /// <param name="options">As bound from the same document.</param>
    /// <returns>Settings that need no further checks.</returns>
    /// <exception cref="HoconException">A value is missing or wrong.</exception>
    public ServiceSettings Build(ServiceOptions options)
    {
        bool insecure = _reader.Flag(At("insecure"), options.Insecure);
        IReadOnlyList<VolumeSettings> volumes = Volumes(options);
        IReadOnlyList<GuestSettings> guests = Guests(options);
        TlsSettings? tls = new TlsRules(_reader).Check(At("nbd:tls"), options.Nbd.Tls, guests);
        AdminTlsSettings? adminTls = new TlsRules(_reader).Check(At("admin:tls"), options.Admin.Tls);
        ListenRules listen = new(_reader, insecure, authenticated: tls is { Required: true, ClientCa: not null });
        string dataDirectory = _reader.FilePath(At("data-dir"), options.DataDir);
        return new ServiceSettings
        {
            DataDirectory = dataDirectory,
            Journal = new JournalRules(_reader).Check(At("journal"), options.Journal, dataDirectory),
            Insecure = insecure,
            Log = Log(options.Log),
            Nbd = Nbd(options.Nbd, listen, tls),
            AdminListen = listen.Admin(At("admin:listen"), options.Admin.Listen, adminTls is not null),
            AdminTls = adminTls,
            Telemetry = new TelemetrySettings(
                OtlpEndpoint(At("telemetry:otlp-endpoint"), options.Telemetry.OtlpEndpoint),
                _reader.Ratio(At("telemetry:trace-ratio"), options.Telemetry.TraceRatio)),
            Volumes = volumes,
            Guests = guests,
            Disks = Disks(options, volumes, guests),
        };
    }

    private static string At(string key) => SettingsReader.Key(ServiceOptions.Section, key);

    private NbdSettings Nbd(NbdEntry entry, ListenRules listen, TlsSettings? tls) => new(
        listen.Nbd(At("nbd:listen"), entry.Listen),
        _reader.Count(At("nbd:connections-max"), entry.ConnectionsMax, 1, CatalogLimits.ConnectionsMax),
        _reader.Duration(
            At("nbd:handshake-timeout"),
            entry.HandshakeTimeout,
            TimeSpan.FromMilliseconds(100),
            TimeSpan.FromMinutes(10)),
        _reader.Count(At("nbd:handshakes-max"), entry.HandshakesMax, 1, CatalogLimits.ConnectionsMax),
        _reader.Count(At("nbd:credits"), entry.Credits, 1, 1024),
        tls);

    private LogSettings Log(LogEntry entry)
    {
        return new LogSettings(
            _reader.Choice<LogLevel>(At("log:level"), entry.Level),
            Part("volume", entry.Levels.Volume),
            Part("nbd", entry.Levels.Nbd),
            Part("actors", entry.Levels.Actors),
            Part("admin", entry.Levels.Admin));

        LogLevel? Part(string name, string? text) => text is null ? null : _reader.Choice<LogLevel>(At($"log:levels:{name}"), text);
    }

    private Uri? OtlpEndpoint(string key, string? text)
    {
        if (string.IsNullOrEmpty(text))
            return null;
        return Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && (uri.Scheme == "http" || uri.Scheme == "https")
            ? uri
            : throw _reader.Error(key, $"'{text}' is not an address of a collector; write e.g. http://127.0.0.1:4317");
    }

    private List<VolumeSettings> Volumes(ServiceOptions options)
    {
        VolumeRules rules = new(_reader);
        Dictionary<string, string> paths = new(StringComparer.Ordinal);
        return Each(At("volumes"), options.Volumes, "volume", (key, name, entry) =>
        {
            VolumeSettings volume = rules.Check(key, name, entry);
            if (volume.Path.Length > 0 && !paths.TryAdd(Path.GetFullPath(volume.Path), name))
                throw _reader.Error(SettingsReader.Key(key, "path"), $"is also the path of volume {paths[Path.GetFullPath(volume.Path)]}");
            foreach (string path in volume.PhysicalVolumes.Select(Path.GetFullPath))
            {
                if (!paths.TryAdd(path, name))
                    throw _reader.Error(SettingsReader.Key(key, "lvm"), $"{path} is also a path of volume {paths[path]}");
            }

            return volume;
        });
    }

    private List<GuestSettings> Guests(ServiceOptions options) =>
        Each(At("guests"), options.Guests, "guest", new GuestRules(_reader).Check);

    private List<DiskSettings> Disks(
        ServiceOptions options, IReadOnlyList<VolumeSettings> volumes, IReadOnlyList<GuestSettings> guests)
    {
        DiskRules rules = new(
            _reader,
            volumes.ToDictionary(volume => volume.Name, StringComparer.Ordinal),
            guests.ToDictionary(guest => guest.Name, StringComparer.Ordinal));
        return Each(At("disks"), options.Disks, "disk", rules.Check);
    }

    /// <summary>
    /// Checks the entries of a section in the order of the file, which the binder's dictionary does not keep.
    /// </summary>
    private List<TSettings> Each<TEntry, TSettings>(
        string section, Dictionary<string, TEntry> entries, string kind, Func<string, string, TEntry, TSettings> check)
    {
        List<TSettings> settings = [];
        foreach (string name in _reader.NamesIn(section))
        {
            string key = SettingsReader.Key(section, name);
            if (!CatalogLimits.IsName(name))
            {
                throw _reader.Error(key, $"is not a name for a {kind}: {CatalogLimits.NameRule}");
            }

            settings.Add(check(key, name, entries[name]));
        }

        return settings.Count > 0 ? settings : throw new HoconException(
            file, HoconKey.FromConfiguration(section), $"needs at least one {kind}");
    }
}
