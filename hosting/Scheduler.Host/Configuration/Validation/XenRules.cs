using Scheduler.Actors;
using Scheduler.Xen.Vbd;

namespace Scheduler.Host.Configuration;

/// <summary>Checks how virtual disks are served to Xen's guests.</summary>
/// <param name="reader">Converts values and makes errors.</param>
internal sealed class XenRules(SettingsReader reader)
{
    private const int BackendMax = 63;

    public XenSettings? Check(string key, XenEntry entry)
    {
        bool enabled = reader.Flag(At("enabled"), entry.Enabled);
        string backend = entry.Backend ?? "";
        if (backend.Length is 0 or > BackendMax || !backend.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-'))
            _ = reader.Wrong(At("backend"), $"'{backend}' is not a name of up to {BackendMax} letters, digits, '_' and '-'", backend);
        XenSettings settings = new(
            backend,
            entry.Store is null ? null : reader.FilePath(At("store"), entry.Store),
            reader.Count(At("rings-max"), entry.RingsMax, 1, CatalogLimits.ConnectionsMax),
            reader.Count(At("queues-max"), entry.QueuesMax, 1, VbdOptions.QueuesLimit),
            reader.FilePath(At("run-dir"), entry.RunDir));
        return enabled ? settings : null;

        string At(string member) => SettingsReader.Key(key, member);
    }
}
