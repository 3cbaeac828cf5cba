using System.Net;
using Microsoft.Extensions.Logging;
using Scheduler.Actors;
using Scheduler.Host.Configuration;
using Scheduler.Host.Running;
using Scheduler.Host.Tests.Api;
using Scheduler.Nbd.Protocol;
using Scheduler.Storage;
using Scheduler.Storage.Journal;

namespace Scheduler.Host.Tests.Running;

/// <summary>Changes of the catalog act on the service that runs, and are there after a restart.</summary>
public sealed class CatalogServiceTests : IAsyncLifetime
{
    private const long MiB = 1 << 20;
    private const string Me = "tester";

    private readonly string _directory = Directory.CreateTempSubdirectory("scheduler-test-").FullName;
    private readonly VolumeTelemetry _telemetry = new();
    private readonly LogLines _log = new();
    private readonly ILoggerFactory _loggers;
    private Service _service = null!;

    private string ConfigFile => Path.Combine(_directory, "test.conf");

    private string Journal => Path.Combine(_directory, "scheduler.db");

    private EndPoint Endpoint => _service.NbdEndpoints[0];

    private CatalogState State => _service.Catalog.State;

    public CatalogServiceTests() => _loggers = LoggerFactory.Create(logging => logging.AddProvider(_log));

    public async Task InitializeAsync()
    {
        Write("guests { g {} }, disks { d { volume = v, guest = g, offset = 0, size = 4MiB } }");
        await StartAsync();
    }

    public async Task DisposeAsync()
    {
        await EndAsync();
        _telemetry.Dispose();
        _loggers.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task What_is_made_is_served_at_once_and_after_a_restart()
    {
        await Put(new CatalogGuest { Name = "h", Weight = 300 });
        await Put(new CatalogVolume { Name = "w", Path = Path.Combine(_directory, "w.img"), Size = 16 * MiB, Cache = CacheMode.Buffered });
        await Put(new CatalogDisk { Name = "e", Volume = "w", Guest = "h", Size = 8 * MiB });
        await Put(new CatalogDisk { Name = "f", Volume = "v", Guest = "h", Size = 4 * MiB });
        Assert.Equal(4 * MiB, State.Find<CatalogDisk>("f")!.Offset);
        using (RawClient client = new(Endpoint, "e"))
        {
            client.Send(NbdCommand.Write, (ulong)(4 * MiB), 4096, fill: 7);
            Assert.Equal(NbdError.None, client.TakeReply());
            Assert.Equal(NbdError.None, client.Call(NbdCommand.Flush));
        }

        await RestartAsync();
        Assert.Equal(["d", "e", "f"], _service.Disks.Select(disk => disk.Settings.Name));
        Assert.Equal(["v", "w"], _service.Volumes.Select(volume => volume.Settings.Name));
        Assert.Empty(_service.Problems());
        using RawClient again = new(Endpoint, "e");
        Assert.All(again.Read(4 * MiB, 4096), value => Assert.Equal(7, value));
        Assert.Equal(300, Assert.Single(_service.Disks, disk => disk.Settings.Name == "e").Settings.Guest.Weight);
    }

    [Fact]
    public async Task A_new_disk_reads_zeroes_where_another_one_was_and_so_does_what_one_grows_by()
    {
        await Put(new CatalogDisk { Name = "e", Volume = "v", Guest = "g", Offset = 8 * MiB, Size = 8 * MiB });
        using (RawClient client = new(Endpoint, "e"))
        {
            for (long at = 0; at < 8 * MiB; at += MiB)
            {
                client.Send(NbdCommand.Write, (ulong)at, (uint)MiB, fill: 9);
                Assert.Equal(NbdError.None, client.TakeReply());
            }
        }

        await Until(() => _service.Connections.Count == 0);
        await Delete(CatalogKind.Disk, "e");
        using (RawClient gone = new(Endpoint, "e"))
            Assert.False(gone.IsOpen);
        await Put(new CatalogDisk { Name = "n", Volume = "v", Guest = "g", Offset = 8 * MiB, Size = 4 * MiB });
        using RawClient before = new(Endpoint, "n");
        Assert.Equal(-1, before.Read(0, 4 * (int)MiB).AsSpan().IndexOfAnyExcept((byte)0));
        Assert.Equal(NbdError.None, before.Call(NbdCommand.Write, 0, 4096));

        // It grows while it is used: who is connected keeps the size, who comes sees the new one.
        await Put(State.Find<CatalogDisk>("n")! with { Size = 8 * MiB });
        Assert.Equal(NbdError.EINVAL, before.Call(NbdCommand.Read, (ulong)(4 * MiB), 4096));
        Assert.Equal(NbdError.None, before.Call(NbdCommand.Read, 0, 4096));
        using RawClient after = new(Endpoint, "n");
        Assert.Equal(-1, after.Read(4 * MiB, 4 * (int)MiB).AsSpan().IndexOfAnyExcept((byte)0));

        // Nothing else was zeroed, and nothing is left of how it was done.
        Assert.Equal(["d", "n"], _service.Disks.Select(disk => disk.Settings.Name));
    }

    [Fact]
    public async Task While_a_disks_space_is_zeroed_others_change_and_its_place_is_taken()
    {
        await Put(new CatalogGuest { Name = "h" });
        using CancellationTokenSource client = new();
        Task<CatalogAnswer> making = await BeginSlowlyAsync(client.Token);
        await Put(State.Find<CatalogGuest>("h")! with { Weight = 700 });
        await Put(new CatalogDisk { Name = "f", Volume = "v", Guest = "h", Size = 4 * MiB });
        Assert.Equal(4 * MiB, State.Find<CatalogDisk>("f")!.Offset);

        // No other disk is put into its place, by itself or by who asks for that.
        await Put(new CatalogDisk { Name = "k", Volume = "v", Guest = "h", Size = 4 * MiB });
        Assert.Equal(16 * MiB, State.Find<CatalogDisk>("k")!.Offset);
        await Refuses(new PutEntity(new CatalogDisk { Name = "o", Volume = "v", Guest = "h", Offset = 12 * MiB, Size = MiB }, Me), "overlaps disk n");
        await Refuses(new PutEntity(new CatalogDisk { Name = "n", Volume = "v", Guest = "h", Size = MiB }, Me), "the space of disk n is being zeroed");
        await Refuses(new DeleteEntity(CatalogKind.Guest, "slow", Me), "the space of disk n is being zeroed");
        Assert.Null(State.Find<CatalogDisk>("n"));
        using (RawClient nobody = new(Endpoint, "n"))
            Assert.False(nobody.IsOpen);
        Assert.False(making.IsCompleted);

        // Its client goes away: nothing is left of it.
        await client.CancelAsync();
        CatalogAnswer answer = await making.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Contains("given up", answer.Refusal!.Reason, StringComparison.Ordinal);
        await Delete(CatalogKind.Guest, "slow");
        await Put(new CatalogDisk { Name = "o", Volume = "v", Guest = "h", Offset = 8 * MiB, Size = 8 * MiB });
        Assert.Equal(["d", "f", "k", "o"], _service.Disks.Select(disk => disk.Settings.Name));
        using RawClient reader = new(Endpoint, "o");
        Assert.Equal(-1, reader.Read(0, 8 * (int)MiB).AsSpan().IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public async Task A_disk_whose_space_is_being_zeroed_is_given_up_by_a_delete_and_by_a_stop()
    {
        Task<CatalogAnswer> making = await BeginSlowlyAsync(default);
        await Refuses(new DeleteEntity(CatalogKind.Disk, "n", Me, ExpectedRevision: 5), "there is no disk n");
        Assert.False(making.IsCompleted);
        await Delete(CatalogKind.Disk, "n");
        Assert.Contains("given up", (await making).Refusal!.Reason, StringComparison.Ordinal);
        await Refuses(new DeleteEntity(CatalogKind.Disk, "n", Me), "there is no disk n");

        // One that grows stays as it is; its volume goes on too.
        await Put(new CatalogGuest { Name = "h" });
        await Put(new CatalogDisk { Name = "g", Volume = "v", Guest = "h", Offset = 4 * MiB, Size = 4 * MiB });
        await Put(new CatalogGuest { Name = "h", Limit = 1 });
        Task<CatalogAnswer> growing = Do(new PutEntity(State.Find<CatalogDisk>("g")! with { Size = 12 * MiB }, Me));
        using (RawClient client = new(Endpoint, "g"))
            Assert.True(client.IsOpen);
        await RestartAsync().WaitAsync(TimeSpan.FromSeconds(20));
        Assert.NotNull((await growing).Refusal);
        Assert.Equal(4 * MiB, State.Find<CatalogDisk>("g")!.Size);
        Assert.Null(State.Find<CatalogDisk>("n"));
        Assert.Empty(_service.Problems());
    }

    [Fact]
    public async Task A_disk_that_is_used_stays_until_its_clients_are_disconnected()
    {
        await Put(new CatalogDisk { Name = "e", Volume = "v", Guest = "g", Size = 4 * MiB });
        using RawClient client = new(Endpoint, "e");
        Assert.Equal(NbdError.None, client.Call(NbdCommand.Write, 0, 4096));
        CatalogAnswer refused = await Do(new DeleteEntity(CatalogKind.Disk, "e", Me));
        Assert.Equal(CatalogProblem.InUse, refused.Refusal!.Problem);
        refused = await Do(new PutEntity(State.Find<CatalogDisk>("e")! with { Size = MiB }, Me));
        Assert.Equal(CatalogProblem.InUse, refused.Refusal!.Problem);
        Assert.Equal(NbdError.None, client.Call(NbdCommand.Read, 0, 4096));

        // The last answer may be here before it is counted there.
        await Until(() => _service.Connections.All(connection => connection.InFlight == 0));
        var ring = Assert.Single(_service.Connections);
        Assert.Equal(("v", "e", "g", false, 128, 0), (ring.Volume, ring.Disk, ring.Guest, ring.Tls, ring.Credits, ring.InFlight));
        Assert.Equal(1, await ((ICatalogService)_service.Catalog).DetachAsync("e"));
        Assert.Null(client.TakeReply());
        await Until(() => _service.Connections.Count == 0);
        await Put(State.Find<CatalogDisk>("e")! with { Size = MiB });
        using (RawClient smaller = new(Endpoint, "e"))
        {
            Assert.Equal(NbdError.None, smaller.Call(NbdCommand.Read, (ulong)MiB - 4096, 4096));
            Assert.Equal(NbdError.EINVAL, smaller.Call(NbdCommand.Read, (ulong)MiB, 4096));
        }

        await Until(() => _service.Connections.Count == 0);
        await Delete(CatalogKind.Disk, "e");
        Assert.False(_service.Disconnect(ring.Id));
    }

    [Fact]
    public async Task What_can_not_be_done_is_refused_and_leaves_nothing()
    {
        string block = Path.Combine(_directory, "short.img");
        await File.WriteAllBytesAsync(block, new byte[8192]);
        CatalogAnswer refused = await Do(new PutEntity(new CatalogVolume { Name = "w", Path = block, Size = 16 * MiB, Cache = CacheMode.Buffered }, Me));
        Assert.Equal(CatalogProblem.Invalid, refused.Refusal!.Problem);
        Assert.Contains("below the size", refused.Refusal.Reason, StringComparison.Ordinal);
        refused = await Do(new PutEntity(new CatalogVolume { Name = "w", Path = Path.Combine(_directory, "v.img"), Size = 16 * MiB }, Me));
        Assert.Contains("volume v (declared by the configuration file)", refused.Refusal!.Reason, StringComparison.Ordinal);
        refused = await Do(new PutEntity(State.Find<CatalogGuest>("g")! with { Weight = 5 }, Me));
        Assert.Equal(CatalogProblem.Declared, refused.Refusal!.Problem);
        Assert.Equal(["v"], _service.Volumes.Select(volume => volume.Settings.Name));
        Assert.Empty(await _service.Catalog.HistoryAsync(long.MaxValue, 10, default));
    }

    [Fact]
    public async Task A_disk_that_can_not_be_zeroed_stays_as_it_was()
    {
        // There is something in the way, and it can't be written over.
        await EndAsync();
        await using (FileStream file = File.Create(Path.Combine(_directory, "f.img")))
        {
            file.Position = 8 * MiB;
            await file.WriteAsync(Enumerable.Repeat((byte)5, (int)MiB).ToArray());
        }

        Write($"volumes.f {{ path = \"{_directory}/f.img\", size = 9MiB, cache = buffered, device = faulty, faulty.error = write }}, guests {{ g {{}}, h {{}} }}, disks {{ d {{ volume = v, guest = g, offset = 0, size = 4MiB }} }}");
        await StartAsync();
        await Put(new CatalogDisk { Name = "e", Volume = "f", Guest = "g", Offset = 0, Size = 4 * MiB });
        CatalogDisk before = State.Find<CatalogDisk>("e")!;
        foreach (CatalogDisk after in (CatalogDisk[])[before with { Size = 9 * MiB }, before with { Size = 9 * MiB, Guest = "h" }])
        {
            await Until(() => _service.Connections.Count == 0);
            CatalogAnswer refused = await Do(new PutEntity(after, Me));
            Assert.Contains("disk e: ", refused.Refusal?.Reason ?? "it was made", StringComparison.Ordinal);
            Assert.Equal(before, State.Find<CatalogDisk>("e"));
            using RawClient client = new(Endpoint, "e");
            Assert.Equal(NbdError.None, client.Call(NbdCommand.Read, (ulong)(4 * MiB) - 4096, 4096));
            Assert.Equal(NbdError.EINVAL, client.Call(NbdCommand.Read, (ulong)(4 * MiB), 4096));
        }

        Assert.Equal("g", Assert.Single(_service.Disks, disk => disk.Settings.Name == "e").Settings.Guest.Name);
        _ = Assert.Single(await _service.Catalog.HistoryAsync(long.MaxValue, 10, default));
    }

    [Fact]
    public async Task A_made_volume_is_changed_and_deleted_when_nobody_uses_it_and_its_file_stays()
    {
        string path = Path.Combine(_directory, "w.img");
        await Put(new CatalogVolume { Name = "w", Path = path, Size = 16 * MiB, Cache = CacheMode.Buffered });
        await Put(new CatalogDisk { Name = "e", Volume = "w", Guest = "g", Size = 4 * MiB });
        using (RawClient client = new(Endpoint, "e"))
        {
            client.Send(NbdCommand.Write, 0, 4096, fill: 3);
            Assert.Equal(NbdError.None, client.TakeReply());
            CatalogAnswer refused = await Do(new PutEntity(State.Find<CatalogVolume>("w")! with { Depth = 7 }, Me));
            Assert.Equal(CatalogProblem.InUse, refused.Refusal!.Problem);
        }

        await Until(() => _service.Connections.Count == 0);
        await Put(State.Find<CatalogVolume>("w")! with { Depth = 7 });
        Assert.Equal(7, _service.Volumes[1].Settings.Depth);

        // What can't be opened so goes on as it was.
        CatalogAnswer large = await Do(new PutEntity(State.Find<CatalogVolume>("w")! with { Size = 32 * MiB }, Me));
        Assert.Equal(CatalogProblem.Invalid, large.Refusal!.Problem);
        using (RawClient client = new(Endpoint, "e"))
            Assert.All(client.Read(0, 4096), value => Assert.Equal(3, value));
        await Until(() => _service.Connections.Count == 0);
        Assert.Equal(CatalogProblem.InUse, (await Do(new DeleteEntity(CatalogKind.Volume, "w", Me))).Refusal!.Problem);
        await Delete(CatalogKind.Disk, "e");
        await Delete(CatalogKind.Volume, "w");
        Assert.Equal(["v"], _service.Volumes.Select(volume => volume.Settings.Name));
        Assert.True(File.Exists(path));
        using FileVolume unlocked = FileVolume.Open(new VolumeOptions { Path = path, Cache = CacheMode.Buffered });
        Assert.Equal(16 * MiB, unlocked.Size);
    }

    [Fact]
    public async Task Clients_are_told_apart_as_soon_as_there_is_an_identity()
    {
        await Put(new CatalogGuest { Name = "h" });
        await Put(new CatalogIdentity { Name = "i", Type = CatalogIdentityType.UnixUid, Value = "4000000000", Guest = "h" });
        using (RawClient nobody = new(Endpoint, "d"))
            Assert.False(nobody.IsOpen);
        Assert.True(new FileInfo(Path.Combine(_directory, "nbd.sock")).UnixFileMode.HasFlag(UnixFileMode.OtherWrite));

        // The last one opens all disks to everybody: it goes when that is said to be meant.
        await Refuses(new DeleteEntity(CatalogKind.Identity, "i", Me), "identity i is the last one");
        using (RawClient nobody = new(Endpoint, "d"))
            Assert.False(nobody.IsOpen);
        await Put(new CatalogIdentity { Name = "j", Type = CatalogIdentityType.UnixUid, Value = "4000000001", Guest = "h" });
        await Delete(CatalogKind.Identity, "i");
        Assert.DoesNotContain(_log.Lines, line => line.StartsWith("The last identity", StringComparison.Ordinal));
        CatalogAnswer opened = await Do(new DeleteEntity(CatalogKind.Identity, "j", Me, MayOpen: true));
        Assert.Null(opened.Refusal);
        Assert.Contains(_log.Lines, line => line.StartsWith("The last identity (j) is gone", StringComparison.Ordinal));
        using RawClient anybody = new(Endpoint, "d");
        Assert.True(anybody.IsOpen);
        Assert.False(new FileInfo(Path.Combine(_directory, "nbd.sock")).UnixFileMode.HasFlag(UnixFileMode.OtherWrite));
    }

    [Fact]
    public async Task Who_was_greeted_before_there_was_an_identity_is_not_let_in_after()
    {
        using RawClient greeted = RawClient.Greeted(Endpoint);
        using RawClient other = RawClient.Greeted(Endpoint);
        Assert.True(other.Open("d"));
        await Put(new CatalogGuest { Name = "h" });
        await Put(new CatalogIdentity { Name = "i", Type = CatalogIdentityType.UnixUid, Value = "4000000000", Guest = "h" });
        Assert.False(greeted.Open("d"));
    }

    [Fact]
    public async Task A_connection_that_is_ended_before_it_has_started_is_over()
    {
        // It is known, and has not started, when it says that it is opened.
        TaskCompletionSource<int> closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _log.Said = line =>
        {
            if (!closed.Task.IsCompleted && line.Contains("disk d: opened", StringComparison.Ordinal))
                closed.SetResult(_service.Catalog.DetachHere("d"));
        };
        using RawClient ended = new(Endpoint, "d");
        Assert.Equal(1, await closed.Task.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Null(ended.TakeReply());
        await Until(() => _service.Connections.Count == 0);
        using RawClient next = new(Endpoint, "d");
        Assert.Equal(NbdError.None, next.Call(NbdCommand.Read, 0, 4096));
    }

    [Fact]
    public async Task A_socket_that_somebody_has_removed_keeps_nothing_from_being_changed_or_stopped()
    {
        File.Delete(Path.Combine(_directory, "nbd.sock"));
        await Put(new CatalogIdentity { Name = "i", Type = CatalogIdentityType.UnixUid, Value = "4000000000", Guest = "g" });
        Assert.True(await _service.StopAsync());
        await _service.DisposeAsync();
        await StartAsync();
        Assert.NotNull(State.Find<CatalogIdentity>("i"));
    }

    [Fact]
    public async Task A_change_that_is_not_in_effect_is_named_until_a_rescan()
    {
        await Put(new CatalogGuest { Name = "h" });
        await Put(new CatalogVolume { Name = "w", Path = Path.Combine(_directory, "w.img"), Size = 16 * MiB, Cache = CacheMode.Buffered });
        await Put(new CatalogDisk { Name = "e", Volume = "w", Guest = "h", Size = 4 * MiB });

        // The volume hears that it is to stop before it hears of the guest, and after it was seen to run.
        RunningVolume volume = _service.Volumes[1];
        using ManualResetEventSlim goOn = new();
        volume.Loop.Post(goOn.Wait);
        volume.Actor.Tell(StopVolume.Instance);
        Task<CatalogAnswer> change = Do(new PutEntity(State.Find<CatalogGuest>("h")! with { Weight = 700 }, Me));
        await Until(() => State.Find<CatalogGuest>("h")!.Weight == 700);
        goOn.Set();
        Assert.Null((await change).Refusal);
        Assert.Contains(_service.Problems(), line => line.StartsWith("Guest h: volume w ", StringComparison.Ordinal));
        Assert.Contains(_log.Lines, line => line.StartsWith("The change of Guest h is made, but not in effect: volume w ", StringComparison.Ordinal));
        await volume.Status.Stopped;
        await _service.RescanAsync();
        Assert.DoesNotContain(_service.Problems(), line => line.StartsWith("Guest h", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_is_recovered_with_other_volumes_runs_so()
    {
        await Put(new CatalogVolume { Name = "w", Path = Path.Combine(_directory, "w.img"), Size = 16 * MiB, Cache = CacheMode.Buffered });
        await Put(new CatalogVolume { Name = "x", Path = Path.Combine(_directory, "x.img"), Size = 16 * MiB, Cache = CacheMode.Buffered });
        await Put(new CatalogDisk { Name = "e", Volume = "w", Guest = "g", Size = 4 * MiB });
        using RawClient before = new(Endpoint, "e");

        // As after changes whose outcome nobody knew: one volume has another depth, the other one is gone.
        CatalogState recovered = State
            .Apply(new EntityChanged<CatalogVolume> { Entity = State.Find<CatalogVolume>("w")! with { Depth = 7 }, By = Me, At = DateTimeOffset.UtcNow }, 100)
            .Apply(new EntityDeleted<CatalogVolume> { Name = "x", By = Me, At = DateTimeOffset.UtcNow }, 101);
        ((ICatalogObserver)_service.Catalog).Recovered(recovered);
        await Until(() => _service.Volumes.Select(volume => (volume.Settings.Name, volume.Settings.Depth)).SequenceEqual([("v", 32), ("w", 7)]));
        await Until(() => _service.Disks.Any(disk => disk.Settings.Name == "e") && new RawClient(Endpoint, "e") is { IsOpen: true });
        Assert.Null(before.TakeReply());
        using FileVolume unlocked = FileVolume.Open(new VolumeOptions { Path = Path.Combine(_directory, "x.img"), Cache = CacheMode.Buffered });
        Assert.Equal(16 * MiB, unlocked.Size);
    }

    [Fact]
    public async Task A_guest_of_the_file_that_is_declared_anew_changes_in_the_catalog_too()
    {
        GuestSettings guest = SettingsLoader.Load(ConfigFile, []).Guests[0];
        Assert.Null(await _service.Catalog.DeclareAsync(guest with { Weight = 777, ConnectionsMax = 1 }));
        Assert.Equal((777, true), (State.Find<CatalogGuest>("g")!.Weight, State.Find(CatalogKind.Guest, "g")!.IsDeclared));
        using RawClient first = new(Endpoint, "d");
        using RawClient second = new(Endpoint, "d");
        Assert.True(first.IsOpen);
        Assert.False(second.IsOpen);
    }

    [Fact]
    public async Task A_conflict_of_file_and_journal_names_both_and_nothing_starts()
    {
        await Put(new CatalogGuest { Name = "h" });
        await EndAsync();
        Write("guests { g {}, h {} }, disks { d { volume = v, guest = g, offset = 0, size = 4MiB } }");
        StartRefusedException refused = await Assert.ThrowsAsync<StartRefusedException>(StartAsync);
        Assert.Contains("guest h (declared by the configuration file) and guest h (of the journal)", refused.Message, StringComparison.Ordinal);
        using (FileVolume unlocked = FileVolume.Open(new VolumeOptions { Path = Path.Combine(_directory, "v.img"), Cache = CacheMode.Buffered }))
            Assert.Equal(64 * MiB, unlocked.Size);
        Write("guests { g {} }, disks { d { volume = v, guest = g, offset = 0, size = 4MiB } }");
        await StartAsync();
        Assert.NotNull(State.Find<CatalogGuest>("h"));
    }

    [Fact]
    public async Task A_journal_of_somebody_else_keeps_the_service_from_starting()
    {
        await EndAsync();
        File.Delete(Journal);
        await File.WriteAllTextAsync(Journal, new string('x', 8192));
        JournalDamagedException refused = await Assert.ThrowsAsync<JournalDamagedException>(StartAsync);
        Assert.Contains(Journal, refused.Message, StringComparison.Ordinal);
        File.Delete(Journal);

        await using (SqlJournal newer = await EventJournals.OpenAsync(Journal))
            await newer.AppendAsync([new JournalEvent("catalog", 1, "guest-added/99", EventFormat.SerializerId, "{}"u8.ToArray())]);
        StartRefusedException unknown = await Assert.ThrowsAsync<StartRefusedException>(StartAsync);
        Assert.Contains("guest-added/99", unknown.Message, StringComparison.Ordinal);
        Assert.Contains(Journal, unknown.Message, StringComparison.Ordinal);
        File.Delete(Journal);
        await StartAsync();
    }

    [Fact]
    public async Task A_made_volume_that_can_not_be_opened_is_named_and_the_others_are_served()
    {
        string path = Path.Combine(_directory, "w.img");
        await Put(new CatalogVolume { Name = "w", Path = path, Size = 16 * MiB, Cache = CacheMode.Buffered });
        await Put(new CatalogDisk { Name = "e", Volume = "w", Guest = "g", Size = 4 * MiB });
        await EndAsync();
        File.Delete(path);
        Directory.CreateDirectory(path);
        await StartAsync();
        Assert.Contains("volume w", Assert.Single(_service.Problems()), StringComparison.Ordinal);
        Assert.Equal(["d"], _service.Disks.Select(disk => disk.Settings.Name));
        CatalogAnswer refused = await Do(new PutEntity(State.Find<CatalogDisk>("e")! with { Size = 8 * MiB }, Me));
        Assert.Contains("volume w is not served", refused.Refusal!.Reason, StringComparison.Ordinal);

        Directory.Delete(path);
        await _service.RescanAsync();
        Assert.Empty(_service.Problems());
        using RawClient client = new(Endpoint, "e");
        Assert.True(client.IsOpen);
    }

    private async Task StartAsync() =>
        _service = await Service.StartAsync(SettingsLoader.Load(ConfigFile, []), _telemetry, _loggers);

    private async Task EndAsync()
    {
        if (_service is null)
            return;
        _ = await _service.StopAsync();
        await _service.DisposeAsync();
        _service = null!;
    }

    private async Task RestartAsync()
    {
        await EndAsync();
        await StartAsync();
    }

    private void Write(string rest) => File.WriteAllText(ConfigFile, $$"""
        scheduler {
          data-dir = "{{_directory}}", nbd.listen = ["unix:{{_directory}}/nbd.sock"], admin.listen = "http://127.0.0.1:0"
          volumes.v { path = "{{_directory}}/v.img", size = 64MiB, cache = buffered }
          {{rest}}
        }
        """);

    private Task<CatalogAnswer> Do(CatalogCommand command) => _service.Catalog.ChangeAsync(command).WaitAsync(TimeSpan.FromSeconds(30));

    private async Task Put(CatalogEntity entity)
    {
        CatalogAnswer answer = await Do(new PutEntity(entity, Me));
        Assert.True(answer.Refusal is null, answer.Refusal?.Reason);
        Assert.Equal(entity.Name, answer.Entry!.Entity.Name);
    }

    private async Task Delete(CatalogKind kind, string name)
    {
        CatalogAnswer answer = await Do(new DeleteEntity(kind, name, Me));
        Assert.True(answer.Refusal is null, answer.Refusal?.Reason);
    }

    private async Task Refuses(CatalogCommand command, string reason)
    {
        CatalogAnswer answer = await Do(command);
        Assert.Contains(reason, answer.Refusal?.Reason ?? "it was done", StringComparison.Ordinal);
    }

    // Where something was, for a guest that may do next to nothing: it takes for ever.
    private async Task<Task<CatalogAnswer>> BeginSlowlyAsync(CancellationToken cancellation)
    {
        await Put(new CatalogDisk { Name = "e", Volume = "v", Guest = "g", Offset = 8 * MiB, Size = 8 * MiB });
        using (RawClient client = new(Endpoint, "e"))
        {
            for (long at = 0; at < 8 * MiB; at += MiB)
            {
                client.Send(NbdCommand.Write, (ulong)at, (uint)MiB, fill: 9);
                Assert.Equal(NbdError.None, client.TakeReply());
            }

            Assert.Equal(NbdError.None, client.Call(NbdCommand.Flush));
        }

        await Until(() => _service.Connections.Count == 0);
        await Delete(CatalogKind.Disk, "e");
        await Put(new CatalogGuest { Name = "slow", Limit = 1 });
        Task<CatalogAnswer> making = _service.Catalog.ChangeAsync(
            new PutEntity(new CatalogDisk { Name = "n", Volume = "v", Guest = "slow", Offset = 8 * MiB, Size = 8 * MiB }, Me), cancellation);
        await Refuses(new PutEntity(new CatalogDisk { Name = "n", Volume = "v", Guest = "slow", Size = MiB }, Me), "the space of disk n is being zeroed");
        return making;
    }

    private static async Task Until(Func<bool> condition)
    {
        DateTime deadline = DateTime.UtcNow.AddSeconds(30);
        while (!condition())
        {
            Assert.True(DateTime.UtcNow < deadline, "what was waited for did not happen within 30 s");
            await Task.Delay(2);
        }
    }
}
