using Scheduler.Actors;

namespace Scheduler.Host.Configuration;

/// <summary>
/// Checks bound options as a whole and gives the settings, or the mistakes.
/// </summary>
/// <param name="document">Where each key was written, and in which order.</param>
/// <param name="file">Where to point when a whole section is missing.</param>
/// <param name="mistakes">Where mistakes go.</param>
internal sealed class SettingsBuilder(HoconDocument document, HoconPosition file, Mistakes mistakes)
{
    private readonly SettingsReader _reader = new(document, mistakes);

    /// <summary>Checks everything.</summary>
    /// <param name="options">As bound from the same document.</param>
    /// <returns>Settings that need no further checks, unless mistakes were found.</returns>
    /// <exception cref="HoconException">A value is missing or wrong, and mistakes are not collected.</exception>
    public ServiceSettings Build(ServiceOptions options)
    {
        bool insecure = _reader.Flag(At("insecure"), options.Insecure);
        Dictionary<string, VolumeSettings?> volumes = Volumes(options);
        Dictionary<string, GuestSettings?> guests = Guests(options);
        List<GuestSettings> goodGuests = [.. guests.Values.OfType<GuestSettings>()];
        TlsSettings? tls = new TlsRules(_reader).Check(At("nbd:tls"), options.Nbd.Tls, goodGuests);
        AdminTlsSettings? adminTls = new TlsRules(_reader).Check(At("admin:tls"), options.Admin.Tls);
        ListenRules listen = new(_reader, insecure, authenticated: tls is { Required: true, ClientCa: not null });
        NbdSettings nbd = Nbd(options.Nbd, listen, tls);
        string dataDirectory = _reader.FilePath(At("data-dir"), options.DataDir);
        List<VolumeSettings> goodVolumes = [.. volumes.Values.OfType<VolumeSettings>()];
        return new ServiceSettings
        {
            DataDirectory = dataDirectory,
            Cluster = new ClusterRules(_reader, listen, insecure).Check(At("cluster"), At("engine"), options, goodVolumes),
            Journal = new JournalRules(_reader).Check(At("journal"), options.Journal, dataDirectory),
            Insecure = insecure,
            Log = Log(options.Log),
            Nbd = nbd,
            Rings = Rings(options.Rings, listen, nbd),
            Xen = new XenRules(_reader).Check(At("xen"), options.Xen),
            AdminListen = listen.Admin(At("admin:listen"), options.Admin.Listen, adminTls is not null),
            AdminTls = adminTls,
            Telemetry = new TelemetrySettings(
                OtlpEndpoint(At("telemetry:otlp-endpoint"), options.Telemetry.OtlpEndpoint),
                _reader.Ratio(At("telemetry:trace-ratio"), options.Telemetry.TraceRatio)),
            Volumes = goodVolumes,
            Guests = goodGuests,
            Disks = [.. Each(At("disks"), options.Disks, "disk", new DiskRules(_reader, volumes, guests).Check).Values.OfType<DiskSettings>()],
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

    private RingsSettings? Rings(RingsEntry entry, ListenRules listen, NbdSettings nbd)
    {
        int connectionsMax = _reader.Count(At("rings:connections-max"), entry.ConnectionsMax, 1, CatalogLimits.ConnectionsMax);
        TimeSpan timeout = _reader.Duration(
            At("rings:handshake-timeout"), entry.HandshakeTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10));
        return listen.Rings(At("rings:listen"), entry.Listen, nbd.Listen) is { } path ? new RingsSettings(path, connectionsMax, timeout) : null;
    }

    private LogSettings Log(LogEntry entry)
    {
        return new LogSettings(
            _reader.Choice<LogLevel>(At("log:level"), entry.Level),
            Part("volume", entry.Levels.Volume),
            Part("nbd", entry.Levels.Nbd),
            Part("rings", entry.Levels.Rings),
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
            : _reader.Wrong<Uri?>(key, $"'{text}' is not an address of a collector; write e.g. http://127.0.0.1:4317", null);
    }

    private Dictionary<string, VolumeSettings?> Volumes(ServiceOptions options)
    {
        VolumeRules rules = new(_reader);
        Dictionary<string, string> paths = new(StringComparer.Ordinal);

        // Guests and disks can be made while it runs; without a volume the file is hardly what was meant.
        if (options.Volumes.Count == 0 && !_reader.HasMistake(At("volumes")))
            mistakes.Add(new HoconException(file, HoconKey.FromConfiguration(At("volumes")), "needs at least one volume"));
        return Each(At("volumes"), options.Volumes, "volume", (key, name, entry) =>
        {
            VolumeSettings volume = rules.Check(key, name, entry);
            if (volume.Path.Length > 0 && !paths.TryAdd(Path.GetFullPath(volume.Path), name))
                _reader.Wrong(SettingsReader.Key(key, "path"), $"is also the path of volume {paths[Path.GetFullPath(volume.Path)]}");
            foreach (string path in volume.PhysicalVolumes.Select(Path.GetFullPath))
            {
                if (!paths.TryAdd(path, name))
                    _reader.Wrong(SettingsReader.Key(key, "lvm"), $"{path} is also a path of volume {paths[path]}");
            }

            return volume;
        });
    }

    private Dictionary<string, GuestSettings?> Guests(ServiceOptions options) =>
        Each(At("guests"), options.Guests, "guest", new GuestRules(_reader).Check);

    /// <summary>
    /// Checks the entries of a section in the order of the file, which the binder's dictionary does not keep.
    /// </summary>
    /// <returns>By name; null for those with mistakes, so that what names them is not taken for wrong as well.</returns>
    private Dictionary<string, TSettings?> Each<TEntry, TSettings>(
        string section, Dictionary<string, TEntry> entries, string kind, Func<string, string, TEntry, TSettings?> check)
        where TSettings : class
    {
        Dictionary<string, TSettings?> settings = new(StringComparer.Ordinal);
        foreach (string name in _reader.NamesIn(section))
        {
            string key = SettingsReader.Key(section, name);
            int before = _reader.MistakeCount;
            if (!CatalogLimits.IsName(name))
                _reader.Wrong(key, $"is not a name for a {kind}: {CatalogLimits.NameRule}");
            TSettings? made = check(key, name, entries[name]);
            settings.Add(name, _reader.MistakeCount == before && !_reader.HasMistake(key) ? made : null);
        }

        return settings;
    }
}
