using System.Net;
using Scheduler.Actors;
using Scheduler.Storage;

namespace Scheduler.Host.Configuration;

/// <summary>What runs the actors.</summary>
internal enum EngineKind
{
    /// <summary>This process alone.</summary>
    Local = 0,

    /// <summary>A node of a cluster.</summary>
    Akka = 1,
}

/// <summary>Checks what a node of a cluster needs.</summary>
/// <param name="reader">Converts values and makes errors.</param>
/// <param name="listen">Reads addresses.</param>
/// <param name="insecure">The value of <c>scheduler.insecure</c>.</param>
internal sealed class ClusterRules(SettingsReader reader, ListenRules listen, bool insecure)
{
    private static readonly TimeSpan s_timeMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_timeMax = TimeSpan.FromMinutes(1);

    public ClusterSettings? Check(string key, string engineKey, ServiceOptions options, IReadOnlyList<VolumeSettings> volumes)
    {
        ClusterEntry entry = options.Cluster;
        if (reader.Choice<EngineKind>(engineKey, options.Engine) == EngineKind.Local)
        {
            foreach (VolumeSettings volume in volumes.Where(volume => volume.Role is not null))
                reader.Wrong(SettingsReader.Key(SettingsReader.Key("scheduler:volumes", volume.Name), "role"), "is for volumes of a cluster; leave it out, or write scheduler.engine = akka");
            return null;
        }

        if (options.Journal.Postgres is null)
            reader.Wrong(engineKey, "akka needs a journal that all nodes reach; write scheduler.journal.postgres");
        CheckVolumes(volumes);
        string node = Name(At("node"), entry.Node);
        FenceMethod method = reader.Choice<FenceMethod>(At("fence:method"), entry.Fence.Method);
        if (method == FenceMethod.None && !insecure)
            reader.Wrong(At("fence:method"), "none lets an earlier owner's writes land after the next one's; write command, scsi-pr or nvme, or set scheduler.insecure = true");
        if (method == FenceMethod.Command && entry.Fence.Command.Count == 0)
            reader.Wrong(At("fence:command"), "needs a program, and its arguments if it has some");
        return new ClusterSettings
        {
            Name = Name(At("name"), entry.Name),
            Node = node,
            Roles = [.. reader.ItemsOf(At("roles")).Zip(entry.Roles, Name)],
            Listen = listen.Node(At("listen"), entry.Listen),
            Payload = listen.Node(At("payload"), entry.Payload),
            Seeds = Seeds(At("seeds"), entry.Seeds),
            DetectAfter = reader.Duration(At("detect-after"), entry.DetectAfter, s_timeMin, s_timeMax),
            StableAfter = reader.Duration(At("stable-after"), entry.StableAfter, s_timeMin, s_timeMax),
            Lease = reader.Duration(At("lease"), entry.Lease, s_timeMin, s_timeMax),
            Fence = method,
            FenceCommand = method == FenceMethod.Command ? entry.Fence.Command : [],
            FenceTimeout = reader.Duration(At("fence:timeout"), entry.Fence.Timeout, s_timeMin, TimeSpan.FromMinutes(10)),
            ReattachMax = reader.Duration(At("reattach-max"), entry.ReattachMax, s_timeMin, TimeSpan.FromHours(1)),
        };

        string At(string member) => SettingsReader.Key(key, member);
    }

    // A node that is gone keeps acknowledged writes in its page cache, and one that comes back has old data there.
    private void CheckVolumes(IReadOnlyList<VolumeSettings> volumes)
    {
        foreach (VolumeSettings volume in volumes)
        {
            string key = SettingsReader.Key("scheduler:volumes", volume.Name);
            if (volume.Device is DeviceKind.Memory or DeviceKind.Null)
                reader.Wrong(SettingsReader.Key(key, "device"), "no other node reaches it; a volume of a cluster is a file or a block device");
            else if (volume.Cache != CacheMode.Direct)
                reader.Wrong(SettingsReader.Key(key, "cache"), "of a volume of a cluster must be direct: a node that is gone keeps acknowledged writes in its page cache");
            if (volume.Role is { } role)
                _ = Name(SettingsReader.Key(key, "role"), role);
        }
    }

    private List<IPEndPoint> Seeds(string key, IReadOnlyList<string> texts)
    {
        if (texts.Count == 0)
            reader.Wrong(key, "needs the address of at least one node, e.g. [\"tcp://127.0.0.1:4053\"]");
        return [.. reader.ItemsOf(key).Zip(texts, (item, text) => listen.Peer(item, text))];
    }

    private string Name(string key, string? text)
    {
        string name = reader.Text(key, text);
        return name.Length == 0 || CatalogLimits.IsName(name) ? name : reader.Wrong(key, $"'{name}' is not a name: {CatalogLimits.NameRule}", "");
    }
}
