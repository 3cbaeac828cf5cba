namespace Scheduler.Host.Configuration;

/// <summary>Checked settings, with the keys that they were made from.</summary>
/// <param name="File">The file that was read.</param>
/// <param name="Settings">The settings.</param>
/// <param name="Document">The keys, with the reference's defaults.</param>
internal sealed record LoadedSettings(string File, ServiceSettings Settings, HoconDocument Document);
