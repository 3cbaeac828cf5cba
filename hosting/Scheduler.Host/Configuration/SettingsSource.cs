namespace Scheduler.Host.Configuration;

/// <summary>Where the command line says that the configuration is: read at the start, and again when the service is told to.</summary>
/// <param name="file">A HOCON file; null: <see cref="SettingsLoader.DefaultFile"/>.</param>
/// <param name="sets"><c>key=value</c> each, over the file.</param>
public sealed class SettingsSource(string? file, IReadOnlyList<string> sets)
{
    /// <summary>Reads and checks everything.</summary>
    /// <returns>Checked settings.</returns>
    /// <exception cref="HoconException">A file, key or value is wrong.</exception>
    public ServiceSettings Load() => LoadWithKeys().Settings;

    /// <summary>The same, with the keys.</summary>
    /// <returns>Checked settings and their keys.</returns>
    /// <exception cref="HoconException">A file, key or value is wrong.</exception>
    internal LoadedSettings LoadWithKeys() => SettingsLoader.LoadWithKeys(file, sets, Environment.GetEnvironmentVariable);
}
