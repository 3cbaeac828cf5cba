using Microsoft.Extensions.Logging;
using Scheduler.Host.Configuration;
using Scheduler.Host.Running;
using Scheduler.Host.Tests.Configuration;

namespace Scheduler.Host.Tests.Running;

/// <summary>A configuration that changes while the service runs.</summary>
public sealed class ConfigurationReloadTests : IDisposable
{
    private const string Nbd = "Scheduler.Nbd.Server.NbdServer";

    private readonly ConfigFile _file = new();
    private readonly RecordedLog _log = new();
    private readonly List<GuestSettings> _guests = [];
    private readonly LogLevels _levels;
    private readonly LoadedSettings _running;
    private string? _refusal;

    public ConfigurationReloadTests()
    {
        _running = Source.LoadWithKeys();
        _levels = new LogLevels(_running.Settings.Log);
    }

    private SettingsSource Source => new(_file.Path, []);

    public void Dispose() => _file.Dispose();

    [Fact]
    public async Task Log_levels_change_at_once()
    {
        ConfigurationReload reload = Reload(changeGuests: false);
        Write("log { level = error, levels.nbd = debug }");
        await reload.ReloadAsync();
        Assert.Equal(["Information: The configuration was read anew: changed are scheduler.log.level, scheduler.log.levels.nbd"], Taken());
        Assert.True(_levels.IsEnabled(Nbd, LogLevel.Debug));
        Assert.False(_levels.IsEnabled("Scheduler.Host.Running.Service", LogLevel.Warning));

        // And back, by leaving them out.
        Write("");
        await reload.ReloadAsync();
        Assert.Equal(["Information: The configuration was read anew: changed are scheduler.log.level, scheduler.log.levels.nbd"], Taken());
        Assert.False(_levels.IsEnabled(Nbd, LogLevel.Debug));
        await reload.ReloadAsync();
        Assert.Equal(["Information: The configuration was read anew: nothing has changed"], Taken());
    }

    [Fact]
    public async Task Of_a_configuration_with_a_mistake_nothing_is_taken()
    {
        ConfigurationReload reload = Reload(changeGuests: true);
        Write("log.level = trace, guests.g0.weight = 5, guests.g1.weight = none");
        await reload.ReloadAsync();
        string line = Assert.Single(Taken());
        Assert.StartsWith("Error: The configuration was read anew and has a mistake; nothing was changed: ", line);
        Assert.Contains("x.conf:", line);
        Assert.Contains("scheduler.guests.g1.weight: 'none' is not a whole number", line);
        Assert.False(_levels.IsEnabled(Nbd, LogLevel.Trace));
        Assert.Empty(_guests);

        File.Delete(_file.Path);
        await reload.ReloadAsync();
        Assert.Contains("no such file", Assert.Single(Taken()));
    }

    [Fact]
    public async Task What_takes_a_restart_is_named_each_time_with_its_place()
    {
        ConfigurationReload reload = Reload(changeGuests: false);
        Write("volumes.vol0.depth = 8, guests.g0.weight = 5, guests.g2 {}, nbd.listen = [\"tcp://127.0.0.1:1\"], volumes.vol2 { device = memory, size = 1MiB }");
        for (int time = 0; time < 2; time++)
        {
            await reload.ReloadAsync();
            string[] lines = [.. Taken().Order(StringComparer.Ordinal)];
            Assert.Equal(
                ["scheduler.guests.g0.weight", "scheduler.guests.g2", "scheduler.nbd.listen", "scheduler.volumes.vol0.depth", "scheduler.volumes.vol2"],
                lines.Select(line => line.Replace("Warning: The configuration was read anew: ", "").Split(' ')[0]));
            Assert.All(lines, line => Assert.Matches(@" \(.*x\.conf:\d+\) takes a restart$", line));
        }

        Write("");
        await reload.ReloadAsync();
        Assert.Equal(["Information: The configuration was read anew: nothing has changed"], Taken());
    }

    [Fact]
    public async Task A_disk_that_is_gone_is_named()
    {
        ConfigurationReload reload = Reload(changeGuests: true);
        File.WriteAllText(_file.Path, ConfigFile.Valid.Replace("d1 {", "d2 {"));
        await reload.ReloadAsync();
        Assert.Equal(
            ["scheduler.disks.d1", "scheduler.disks.d2"],
            Taken().Select(line => line.Split(' ')[6]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Guests_change_where_the_scheduler_takes_it()
    {
        ConfigurationReload reload = Reload(changeGuests: true);
        Write("guests.g0 { weight = 5, limit = 2000, uids = [7] }");
        await reload.ReloadAsync();

        // Only what can change: who it is stays.
        GuestSettings guest = Assert.Single(_guests);
        Assert.Equal(_running.Settings.Guests[0] with { Weight = 5, Limit = 2000 }, guest);
        List<string> lines = Taken();
        Assert.Equal("Information: The configuration was read anew: changed are scheduler.guests.g0.weight, scheduler.guests.g0.limit", lines[0]);
        Assert.Contains("scheduler.guests.g0.uids", Assert.Single(lines.Skip(1)));

        _refusal = "the volume has stopped";
        Write("guests.g0 { weight = 6, limit = 2000, uids = [7] }");
        await reload.ReloadAsync();
        lines = Taken();
        Assert.Equal("Error: Guest g0 goes on as it was: the volume has stopped", lines[0]);
        Assert.Equal(3, lines.Count);

        // It was not taken, so it is tried again.
        _refusal = null;
        _guests.Clear();
        await reload.ReloadAsync();
        Assert.Equal(6, Assert.Single(_guests).Weight);
    }

    private ConfigurationReload Reload(bool changeGuests) => new(Source, _running, _levels, _log)
    {
        ChangeGuest = changeGuests ? Change : null,
    };

    private Task<string?> Change(GuestSettings guest)
    {
        _guests.Add(guest);
        return Task.FromResult(_refusal);
    }

    // The same file with more in it.
    private void Write(string more) => File.WriteAllText(_file.Path, $"{ConfigFile.Valid}\nscheduler {{ {more} }}\n");

    private List<string> Taken()
    {
        List<string> lines = [.. _log.Lines];
        _log.Lines.Clear();
        return lines;
    }
}
