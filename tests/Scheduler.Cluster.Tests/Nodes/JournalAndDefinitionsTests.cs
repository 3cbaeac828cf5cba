using System.Diagnostics;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Storage.Tests.Journal;
using Xunit.Abstractions;

namespace Scheduler.Cluster.Tests.Nodes;

/// <summary>What nodes have in common: the journal that one machine began, and what they take a volume to be.</summary>
[Collection("postgres")]
public sealed class JournalAndDefinitionsTests(PostgresServer postgres, ITestOutputHelper output)
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

        // One that takes the first guest's disk of a volume to be smaller, and has a volume for nodes that there are not, and one that
        // it can't open.
        cluster.Stop(3);
        string far = cluster.Directory.File("far");
        cluster.Start(3, more: $$"""
            cluster.roles = ["solo"]
            volumes.tape { path = "{{cluster.Directory.File("tape.img")}}", size = 8MiB, cache = direct, role = "tape" }
            volumes.far { path = "{{far}}/far.img", size = 8MiB, cache = direct, role = "solo" }
            disks { d21.size = 4MiB, on-tape { volume = tape, guest = g1, offset = 0, size = 4MiB }, on-far { volume = far, guest = g1, offset = 0, size = 4MiB } }
            """);
        cluster[3].Process.WaitUntil(
            () => Enumerable.Range(1, 3).Any(node => cluster[node].Get("/readyz").Text.Contains("do not define volume v2 and its disks the same", StringComparison.Ordinal)),
            TimeSpan.FromSeconds(30),
            "nobody said that they differ");
        string said = string.Concat(Enumerable.Range(1, 3).Select(node => cluster[node].Get("/readyz").Text));
        Assert.Contains("n3", said);
        Says(cluster[3], "node n3 can't serve volume far: ");
        Assert.Contains($"{far}/far.img", cluster[3].Get("/readyz").Text);
        Refuses(cluster[3].Uri("on-far"));
        _ = Directory.CreateDirectory(far);
        Says(cluster[3], "see that this node reaches its storage");
        using (FileStream made = File.Create($"{far}/far.img"))
            made.SetLength(8 << 20);
        cluster[3].Process.WaitUntil(() => !cluster[3].Get("/readyz").Text.Contains("volume far", StringComparison.Ordinal), TimeSpan.FromSeconds(40), "it is not tried again");
        Write(cluster[3].Uri("on-far"), 1);
        Says(cluster[3], "has had no answer for volume tape for some seconds: no node that it reaches has the role tape");
        Refuses(cluster[3].Uri("on-tape"));
        Stopwatch stopping = Stopwatch.StartNew();
        cluster.StopAll();
        output.WriteLine($"all nodes stopped at once: {stopping.Elapsed.TotalSeconds:F1} s");

        using ServiceProcess again = cluster.StartAlone();
        Read(again.Uri("made"), 9);
        again.Stop();
    }

    private static void Says(ServiceProcess node, string what) =>
        node.Process.WaitUntil(() => node.Get("/readyz").Text.Contains(what, StringComparison.Ordinal), TimeSpan.FromSeconds(30), $"it does not say: {what}");

    private static void Refuses(string uri)
    {
        ToolResult refused = Tool.Run("qemu-io", "-f", "raw", "-c", "read 0 4k", uri);
        Assert.True(refused.Status is 1, refused.ToString());
        Assert.Contains("export not available", refused.ToString(), StringComparison.OrdinalIgnoreCase);
    }

    private static void Write(string uri, int pattern) =>
        _ = Tool.Run("qemu-io", "-f", "raw", "-c", $"write -f -P {pattern} 0 64k", uri).Succeeded();

    private static void Read(string uri, int node)
    {
        int pattern = node == 9 ? 9 : 1;
        Assert.DoesNotContain("verification failed", Tool.Run("qemu-io", "-f", "raw", "-c", $"read -P {pattern} 0 64k", uri).Succeeded().Output);
    }
}
