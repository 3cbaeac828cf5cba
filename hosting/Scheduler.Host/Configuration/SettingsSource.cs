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

    /// <summary>The same, with the keys, or all mistakes.</summary>
    /// <param name="found">The mistakes.</param>
    /// <returns>Checked settings and their keys; null if there are mistakes.</returns>
    internal LoadedSettings? Check(out IReadOnlyList<HoconException> found) =>
        SettingsLoader.Check(file, sets, Environment.GetEnvironmentVariable, out found);

    /// <summary>The same, with the keys.</summary>
    /// <returns>Checked settings and their keys.</returns>
    /// <exception cref="HoconException">A file, key or value is wrong.</exception>
    internal LoadedSettings LoadWithKeys() => SettingsLoader.LoadWithKeys(file, sets, Environment.GetEnvironmentVariable);
}
