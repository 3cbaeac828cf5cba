using Scheduler.Actors.Local;
using Scheduler.Host.Api;
using Scheduler.Host.Configuration;
using Scheduler.Nbd.Server;
using Scheduler.Xen.Server;
using Scheduler.Xen.Vbd;

namespace Scheduler.Host.Running;

/// <summary>Which messages are logged, by the part of the service that they come from; can be changed while it runs.</summary>
/// <param name="settings">The levels to begin with.</param>
internal sealed class LogLevels(LogSettings settings)
{
    // A message goes by the namespace of who logs it. What Service says is about its volumes.
    private static readonly string s_volume = typeof(Service).FullName!;
    private static readonly string s_actors = typeof(LocalSystem).Namespace!;
    private static readonly string s_nbd = typeof(NbdServer).Namespace!;
    private static readonly string s_rings = typeof(RingServer).Namespace!;
    private static readonly string s_xen = typeof(VbdServer).Namespace!;
    private static readonly string s_admin = typeof(AdminApi).Namespace!;
    private const string WebServer = "Microsoft";
    private const string Akka = "Akka";

    private volatile LogSettings _settings = settings;

    /// <summary>Sets the levels from the next message on. From any thread.</summary>
    /// <param name="settings">The levels.</param>
    public void Change(LogSettings settings) => _settings = settings;

    /// <summary>Whether a message is logged. From any thread.</summary>
    /// <param name="category">Who says it.</param>
    /// <param name="level">Its level.</param>
    /// <returns>Whether it is.</returns>
    public bool IsEnabled(string? category, LogLevel level) => level >= LowestOf(category ?? "", _settings);

    private static LogLevel LowestOf(string category, LogSettings settings)
    {
        if (Is(s_volume))
            return settings.Volume ?? settings.Level;
        if (Is(s_nbd))
            return settings.Nbd ?? settings.Level;
        if (Is(s_rings) || Is(s_xen))
            return settings.Rings ?? settings.Level;
        if (Is(s_actors))
            return settings.Actors ?? settings.Level;
        if (Is(s_admin))
            return settings.Admin ?? settings.Level;

        // The web server tells of each request, Akka.NET of each connection.
        if (Is(WebServer))
            return settings.Admin ?? Loud(settings.Level);
        if (Is(Akka))
            return settings.Actors ?? Loud(settings.Level);
        return settings.Level;

        static LogLevel Loud(LogLevel level) => level > LogLevel.Warning ? level : LogLevel.Warning;

        bool Is(string part) => category.StartsWith(part, StringComparison.Ordinal);
    }
}
