using System.CommandLine;
using System.Globalization;
using Scheduler.Host.Configuration;

namespace Scheduler.Host.CommandLine;

/// <summary><c>scheduler config check|show [--config FILE] [--set key=value]...</c></summary>
internal static class ConfigCommand
{
    /// <summary>Makes the command.</summary>
    /// <returns>The command, whose actions throw <see cref="HoconException"/> for a wrong configuration.</returns>
    public static Command Create()
    {
        ConfigOptions checkOptions = new();
        Command check = checkOptions.AddTo(new Command(
            "check", "Loads and checks a configuration as serve does, and says what it would serve, or all mistakes. Opens nothing."));
        check.SetAction((parsed, _) => checkOptions.Source(parsed).Check(out IReadOnlyList<HoconException> mistakes) is { } loaded
            ? Summarize(loaded, parsed.InvocationConfiguration.Output)
            : Tell(mistakes, parsed.InvocationConfiguration.Error));

        ConfigOptions showOptions = new();
        Command show = showOptions.AddTo(new Command("show", "Prints every key that is set, with its value and where it was written."));
        show.SetAction((parsed, _) => Print(showOptions.Source(parsed).LoadWithKeys(), parsed.InvocationConfiguration.Output));
        return new Command("config", "Checks and shows configurations.") { check, show };
    }

    private static async Task<int> Summarize(LoadedSettings loaded, TextWriter output)
    {
        ServiceSettings settings = loaded.Settings;
        await output.WriteLineAsync($"{loaded.File}: no mistakes");
        foreach (VolumeSettings volume in settings.Volumes)
            await output.WriteLineAsync($"volume {volume.Name}: {WhereOf(volume)}, policy {KebabName.Of(volume.Policy)}, depth {Number(volume.Depth)}");
        foreach (GuestSettings guest in settings.Guests)
            await output.WriteLineAsync($"guest {guest.Name}: weight {Number(guest.Weight)}, reservation {OrNone(guest.Reservation)}, limit {OrNone(guest.Limit)}");
        foreach (DiskSettings disk in settings.Disks)
            await output.WriteLineAsync($"disk {disk.Name}: volume {disk.Volume.Name}, guest {disk.Guest.Name}, {PlaceOf(disk)}");
        foreach (ListenEndpoint endpoint in settings.Nbd.Listen)
            await output.WriteLineAsync($"nbd: {endpoint}");
        await output.WriteLineAsync($"admin: {settings.AdminListen}");
        return 0;
    }

    private static async Task<int> Tell(IReadOnlyList<HoconException> mistakes, TextWriter error)
    {
        foreach (HoconException mistake in mistakes)
            await error.WriteLineAsync(mistake.Message);
        return SchedulerCommandLine.ExitUsage;
    }

    // Itself a configuration file.
    private static async Task<int> Print(LoadedSettings loaded, TextWriter output)
    {
        foreach (EffectiveValue value in EffectiveValues.Of(loaded.Document))
            await output.WriteLineAsync($"{value.Name} = {value.Value}  # {value.Position}");
        return 0;
    }

    private static string WhereOf(VolumeSettings volume) =>
        volume.IsGroup ? $"group of {string.Join(", ", volume.PhysicalVolumes)}, {KebabName.Of(volume.Cache)}"
        : volume.Path.Length == 0 ? $"{KebabName.Of(volume.Device)}, {ByteSize.Format(volume.Size)}"
        : $"{volume.Path}, {ByteSize.Format(volume.Size)}, {KebabName.Of(volume.Cache)}";

    private static string PlaceOf(DiskSettings disk) =>
        disk.LogicalVolume is { } name ? $"logical volume {name}" : $"{ByteSize.Format(disk.Size)} from {ByteSize.Format(disk.Offset)}";

    private static string OrNone(long value) => value == 0 ? "none" : Number(value);

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
