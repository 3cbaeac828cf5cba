using System.Globalization;
using Scheduler.Interop.Tests.Harness;

namespace Scheduler.Cluster.Tests.Nodes;

/// <summary>A network of the test's own: a namespace for each node, and a bridge between them that can be cut.</summary>
internal sealed class NodeNetwork : IDisposable
{
    private readonly string _id = (Environment.ProcessId % 100_000).ToString(CultureInfo.InvariantCulture);
    private readonly int _count;

    /// <param name="count">Nodes.</param>
    public NodeNetwork(int count)
    {
        _count = count;
        Requires.Tool("ip");
        Requires.That(Environment.IsPrivilegedProcess, "network namespaces need root");
        ToolResult bridge = Tool.Run("ip", "link", "add", Bridge, "type", "bridge");
        Requires.That(bridge.Status == 0, $"there can be no bridge here: {bridge.Error}");
        try
        {
            Ip("link", "set", Bridge, "up");
            for (int node = 1; node <= count; node++)
            {
                Ip("netns", "add", NameOf(node));
                Ip("link", "add", PortOf(node), "type", "veth", "peer", "name", "eth0", "netns", NameOf(node));
                Ip("link", "set", PortOf(node), "master", Bridge, "up");
                Ip("-n", NameOf(node), "addr", "add", $"{AddressOf(node)}/24", "dev", "eth0");
                Ip("-n", NameOf(node), "link", "set", "eth0", "up");
                Ip("-n", NameOf(node), "link", "set", "lo", "up");
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private string Bridge => $"sb{_id}";

    /// <summary>The address of a node, from 1.</summary>
    public static string AddressOf(int node) => string.Create(CultureInfo.InvariantCulture, $"10.231.77.{node}");

    /// <summary>The namespace of a node.</summary>
    public string NameOf(int node) => string.Create(CultureInfo.InvariantCulture, $"sn{_id}-{node}");

    /// <summary>Cuts a node off from the others, or joins it to them again.</summary>
    public void Cut(int node, bool off) => Ip("link", "set", PortOf(node), off ? "down" : "up");

    public void Dispose()
    {
        // Their links go with them.
        for (int node = 1; node <= _count; node++)
            _ = Tool.Run("ip", "netns", "del", NameOf(node));
        _ = Tool.Run("ip", "link", "del", Bridge);
    }

    private static void Ip(params string[] arguments) => _ = Tool.Run("ip", arguments).Succeeded();

    private string PortOf(int node) => string.Create(CultureInfo.InvariantCulture, $"sp{_id}-{node}");
}
