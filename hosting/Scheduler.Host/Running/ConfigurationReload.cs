using Scheduler.Host.Configuration;

namespace Scheduler.Host.Running;

/// <summary>
/// Reads the configuration anew while the service runs. What can change is changed; every other key that differs from what
/// runs is named in the log, for it takes a restart. From a configuration with a mistake nothing is taken.
/// </summary>
/// <param name="source">Where the configuration is.</param>
/// <param name="running">What runs.</param>
/// <param name="levels">The log levels in force.</param>
/// <param name="logger">The log.</param>
internal sealed partial class ConfigurationReload(SettingsSource source, LoadedSettings running, LogLevels levels, ILogger logger)
{
    /// <summary>A new file may differ in each key; nobody reads them all.</summary>
    private const int NamedMax = 50;

    // What runs, key by key: what was refused or takes a restart keeps its old value here, and is named again next time.
    private readonly Dictionary<string, string> _running =
        EffectiveValues.Of(running.Document).ToDictionary(value => value.FlatKey, value => value.Value, StringComparer.OrdinalIgnoreCase);

    private readonly Dictionary<string, GuestSettings> _guests = running.Settings.Guests.ToDictionary(guest => guest.Name);

    /// <summary>
    /// Gives a guest other bounds on all volumes, and returns why not, or null. Without it these take a restart too.
    /// </summary>
    public Func<GuestSettings, Task<string?>>? ChangeGuest { get; init; }

    /// <summary>Reads it, and changes what can change. One call at a time.</summary>
    public async Task ReloadAsync()
    {
        LoadedSettings next;
        try
        {
            next = source.LoadWithKeys();
        }
        catch (HoconException exception)
        {
            Refused(logger, exception.Message);
            return;
        }

        Dictionary<string, EffectiveValue> values =
            EffectiveValues.Of(next.Document).ToDictionary(value => value.FlatKey, StringComparer.OrdinalIgnoreCase);
        List<string> changed = DifferentFrom(values);
        List<string> applied = [];
        if (changed.Any(IsLogKey))
        {
            levels.Change(next.Settings.Log);
            applied.AddRange(changed.Where(IsLogKey));
        }

        if (ChangeGuest is not null)
            await ChangeGuestsAsync(next.Settings, changed, applied);
        foreach (string key in applied)
            Take(key, values);
        if (applied.Count > 0 || changed.Count == 0)
            Reloaded(logger, changed.Count == 0 ? "nothing has changed" : "changed are " + string.Join(", ", applied.Select(HoconKey.FromConfiguration)));
        SayWhatTakesARestart([.. changed.Except(applied)], next.Document);
    }

    private static bool IsLogKey(string key) => key.StartsWith($"{ServiceOptions.Section}:log:", StringComparison.OrdinalIgnoreCase);

    private static string[] GuestKeys(string guest) =>
        [.. new[] { "weight", "reservation", "limit", "flush-latency-max", "unflushed-max", "buffer-memory", "connections-max" }.Select(member => SettingsReader.Key($"{ServiceOptions.Section}:guests:{guest}", member))];

    private async Task ChangeGuestsAsync(ServiceSettings next, List<string> changed, List<string> applied)
    {
        foreach (GuestSettings guest in next.Guests)
        {
            string[] keys = [.. GuestKeys(guest.Name).Intersect(changed, StringComparer.OrdinalIgnoreCase)];
            if (keys.Length == 0 || !_guests.TryGetValue(guest.Name, out GuestSettings? old))
                continue;

            // Who it is takes a restart.
            GuestSettings wanted = guest with { Certificates = old.Certificates, Uids = old.Uids, Domains = old.Domains };
            if (await ChangeGuest!(wanted) is { } problem)
            {
                GuestRefused(logger, guest.Name, problem);
                continue;
            }

            _guests[guest.Name] = wanted;
            applied.AddRange(keys);
        }
    }

    private List<string> DifferentFrom(Dictionary<string, EffectiveValue> next)
    {
        List<string> keys = [.. next.Values.Where(value => _running.GetValueOrDefault(value.FlatKey) != value.Value).Select(value => value.FlatKey)];
        keys.AddRange(_running.Keys.Where(key => !next.ContainsKey(key)));
        return keys;
    }

    private void Take(string key, Dictionary<string, EffectiveValue> next)
    {
        if (next.TryGetValue(key, out EffectiveValue? value))
            _running[key] = value.Value;
        else
            _ = _running.Remove(key);
    }

    private void SayWhatTakesARestart(List<string> keys, HoconDocument next)
    {
        // Of a volume, guest or disk that is new or gone, its name is enough.
        List<string> named = [.. keys.Select(key => EntryOf(key, next) ?? key).Distinct()];
        foreach (string key in named.Take(NamedMax))
            TakesARestart(logger, HoconKey.FromConfiguration(key), next.PositionOf(key));
        if (named.Count > NamedMax)
            MoreTakeARestart(logger, named.Count - NamedMax);
    }

    private string? EntryOf(string key, HoconDocument next)
    {
        string[] path = key.Split(ConfigurationPath.KeyDelimiter);
        if (path is not [_, "volumes" or "guests" or "disks", _, _, ..])
            return null;
        string entry = ConfigurationPath.Combine(path[..3]);
        bool runs = _running.Keys.Any(other => other.StartsWith(entry + ConfigurationPath.KeyDelimiter, StringComparison.OrdinalIgnoreCase));
        return runs && next.Values.ContainsKey(entry) ? null : entry;
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The configuration was read anew and has a mistake; nothing was changed: {Mistake}")]
    private static partial void Refused(ILogger logger, string mistake);

    [LoggerMessage(Level = LogLevel.Information, Message = "The configuration was read anew: {What}")]
    private static partial void Reloaded(ILogger logger, string what);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The configuration was read anew: {Key} ({Position}) takes a restart")]
    private static partial void TakesARestart(ILogger logger, string key, HoconPosition position);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The configuration was read anew: {Count} more keys take a restart")]
    private static partial void MoreTakeARestart(ILogger logger, int count);

    [LoggerMessage(Level = LogLevel.Error, Message = "Guest {Guest} goes on as it was: {Reason}")]
    private static partial void GuestRefused(ILogger logger, string guest, string reason);
}
