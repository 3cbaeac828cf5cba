using Scheduler.Interop.Tests.Harness;
using Scheduler.Storage.Tests.Journal;

namespace Scheduler.Cluster.Tests.Nodes;

/// <summary>What nodes have in common: the journal that one machine began, and what they take a volume to be.</summary>
[Collection("postgres")]
public sealed class JournalAndDefinitionsTests(PostgresServer postgres)
{
    [SkippableFact]
    public void A_journal_goes_on_in_a_cluster_and_goes_back_and_nodes_that_differ_say_so()
    {
        using TestCluster cluster = new(postgres.Cluster);

        // A disk that one machine made, behind the declared ones.
        using (ServiceProcess alone = cluster.StartAlone())
        {
            _ = alone.Ask("disk", "set", "made", "--volume", "v1", "--guest", "g1", "--offset", $"{3 * TestCluster.DiskMib}MiB", "--size", "4MiB").Succeeded();
            Write(alone.Uri("made"), 1);
            alone.Stop();
        }

        cluster.StartAll();
        for (int node = 1; node <= TestCluster.Count; node++)
            Read(cluster[node].Uri("made"), node);
        Write(cluster[cluster.OwnerOf(1)].Uri("made"), 9);
        ToolResult refused = cluster[1].Ask("guest", "set", "g1", "--weight", "7");
        Assert.NotEqual(0, refused.Status);
        Assert.Contains("node of a cluster", refused.Error);

        // One that takes the first guest's disk of a volume to be smaller.
        cluster.Stop(3);
        cluster.Start(3, more: "disks.d21.size = 4MiB");
        cluster[3].Process.WaitUntil(
            () => Enumerable.Range(1, 3).Any(node => cluster[node].Get("/readyz").Text.Contains("do not define volume v2 and its disks the same", StringComparison.Ordinal)),
            TimeSpan.FromSeconds(30),
            "nobody said that they differ");
        string said = string.Concat(Enumerable.Range(1, 3).Select(node => cluster[node].Get("/readyz").Text));
        Assert.Contains("n3", said);
        for (int node = 3; node >= 1; node--)
            cluster.Stop(node);

        using ServiceProcess again = cluster.StartAlone();
        Read(again.Uri("made"), 9);
        again.Stop();
    }

    private static void Write(string uri, int pattern) =>
        _ = Tool.Run("qemu-io", "-f", "raw", "-c", $"write -f -P {pattern} 0 64k", uri).Succeeded();

    private static void Read(string uri, int node)
    {
        int pattern = node == 9 ? 9 : 1;
        Assert.DoesNotContain("verification failed", Tool.Run("qemu-io", "-f", "raw", "-c", $"read -P {pattern} 0 64k", uri).Succeeded().Output);
    }
}
