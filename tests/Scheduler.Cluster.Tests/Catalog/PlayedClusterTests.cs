using Scheduler.Actors;
using Scheduler.Cluster.Tests.Link;
using Scheduler.Host.Tests.Running;
using Scheduler.Nbd.Protocol;
using Scheduler.Storage.Tests.Journal;

namespace Scheduler.Cluster.Tests.Catalog;

/// <summary>What a node does about the catalog that it shares, with the other nodes played by the test.</summary>
[Collection("postgres")]
public sealed class PlayedClusterTests(PostgresServer postgres)
{
    private const long MiB = 1 << 20;

    [SkippableFact]
    public async Task S5_An_owner_that_was_replaced_and_has_not_noticed_changes_no_disk()
    {
        await using PlayedCluster node = await PlayedCluster.StartAsync(postgres);
        Assert.Null((await node.TellAsync(Disk("early", MiB))).Refusal);
        await node.TakeAsync();

        // The next owner may be zeroing the same space, or have guests on the disk.
        foreach (CatalogCommand late in (CatalogCommand[])[Disk("late", MiB), Disk("early", 2 * MiB), new DeleteEntity(CatalogKind.Disk, "early", "tester")])
        {
            CatalogRefusal refusal = (await node.TellAsync(late)).Refusal!;
            Assert.Equal((CatalogProblem.Unavailable, "nothing was changed: volume v has been taken by another owner since epoch 1; try again"), (refusal.Problem, refusal.Reason));
        }

        // What belongs to no volume anybody may change, and what was prepared is undone.
        Assert.Null((await node.TellAsync(new PutEntity(new CatalogGuest { Name = "h" }, "tester"))).Refusal);
        await node.Other.ReadOnAsync();
        Assert.Equal(2, node.Other.Number);
        Assert.Equal([("d", 4 * MiB), ("early", MiB)], node.Service.Disks.Select(disk => (disk.Settings.Name, disk.Size)));
        using RawClient client = new(node.Endpoint, "early");
        Assert.Equal(NbdError.None, client.Call(NbdCommand.Write, 0, 4096));
    }

    [SkippableFact]
    public async Task S5_A_volume_whose_lease_has_run_out_stops_and_writes_nothing()
    {
        await using PlayedCluster node = await PlayedCluster.StartAsync(postgres);
        using RawClient client = new(node.Endpoint, "d");
        client.Send(NbdCommand.Write, 0, 4096, fill: 7);
        Assert.Equal(NbdError.None, client.TakeReply());
        node.Holds = false;
        client.Send(NbdCommand.Write, 4096, 4096, fill: 7);
        Assert.Contains("S5", await node.Service.Volumes[0].Status.Stopped.WaitAsync(TestTime.Max), StringComparison.Ordinal);
        using FileStream file = File.Open(node.VolumePath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        byte[] written = new byte[8192];
        file.ReadExactly(written);
        Assert.Equal(4096, written.Count(value => value == 7));
        Assert.All(written[4096..], value => Assert.Equal(0, value));
    }

    [SkippableFact]
    public async Task What_could_not_be_followed_is_tried_again()
    {
        await using PlayedCluster node = await PlayedCluster.StartAsync(postgres, "device = faulty, faulty.service-time = 2s");
        await node.ChangeAsync(Disk("other", MiB));
        await node.Service.Catalog.CatchUpAsync();
        using (RawClient client = new(node.Endpoint, "other"))
        {
            client.Send(NbdCommand.Read, 0, 4096);
            await TestTime.Until(() => node.Service.Volumes[0].Status.Rings == 1, "the read is under way");

            // The device has it for longer than the disk's end is waited for.
            await node.ChangeAsync(new DeleteEntity(CatalogKind.Disk, "other", "other"));
            await node.Service.Catalog.CatchUpAsync();
        }

        Assert.Contains("disk other has rings", Assert.Single(node.Service.Problems()), StringComparison.Ordinal);
        for (long end = Environment.TickCount64 + (long)TestTime.Max.TotalMilliseconds; node.Service.Problems().Count > 0; await Task.Delay(50))
        {
            Assert.True(Environment.TickCount64 < end, node.Service.Problems()[0]);
            await node.Service.Catalog.CatchUpAsync();
        }

        Assert.Equal(["d"], node.Service.Disks.Select(disk => disk.Settings.Name));
    }

    [SkippableFact]
    public async Task A_change_is_made_where_its_volume_is_owned_and_the_others_are_told()
    {
        await using PlayedCluster node = await PlayedCluster.StartAsync(postgres);
        CatalogCommand far = new PutEntity(new CatalogDisk { Name = "f", Volume = "far", Guest = "g", Size = MiB }, "tester");
        Assert.Null((await node.TellAsync(far)).Refusal);
        Assert.Equal([("far", far)], node.Forwarded);
        Assert.Empty(node.Told);
        await node.Other.ReadOnAsync();
        Assert.Equal(0, node.Other.Number);

        // What was sent here, because the volume was here, goes no further.
        CatalogRefusal moved = (await node.Service.Catalog.ChangeHereAsync(far, default)).Refusal!;
        Assert.Equal((CatalogProblem.Unavailable, "nothing was changed: volume far moves to another node; try again"), (moved.Problem, moved.Reason));
        Assert.Null((await node.TellAsync(Disk("near", MiB))).Refusal);
        Assert.Equal([1L], node.Told);
        _ = Assert.Single(node.Forwarded);
    }

    private static CatalogCommand Disk(string name, long size) => new PutEntity(new CatalogDisk { Name = name, Volume = "v", Guest = "g", Size = size }, "tester");
}
