using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Actors.Local;
using Scheduler.Storage;

namespace Scheduler.Actors.Tests;

/// <summary>F6 where the next owner may be on another machine: the journal fences.</summary>
public sealed class JournalFaultStoreTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private readonly TestJournal _journal = new();

    [Fact]
    public async Task A_fault_is_durable_before_it_is_answered_and_the_next_owner_reads_it()
    {
        JournalFaultStore store = Node();
        _journal.Gate = new TaskCompletionSource();
        Task<string?> recording = Do(done => store.Record(1, 5, done));
        Assert.Empty(_journal.Events);
        Assert.False(recording.IsCompleted);
        _journal.Gate.SetResult();
        Assert.Null(await recording);
        Assert.Single(_journal.Events);

        // The node dies here.
        JournalFaultStore next = Node();
        VolumeFaultRecorded found = Assert.Single(await Read(next));
        Assert.Equal((1, 5), (found.Domain, found.Errno));
        Assert.InRange(DateTimeOffset.UtcNow - found.At, TimeSpan.Zero, s_patience);
    }

    [Fact]
    public async Task A_fault_that_was_cleared_on_one_node_is_cleared_on_all()
    {
        JournalFaultStore first = Node();
        Assert.Null(await Do(done => first.Record(0, 5, done)));
        Assert.Null(await Do(done => first.Record(2, 28, done)));
        JournalFaultStore second = Node(epoch: 7);
        Assert.Null(await Do(done => second.Clear(0, "me", done)));
        Assert.Equal([2], (await Read(second)).Select(fault => fault.Domain));

        // Rings that have not heard of it are not let in by the next owner (F6).
        JournalFaultStore third = Node(epoch: 8);
        Assert.Equal([2], (await Read(third)).Select(fault => fault.Domain));
        Assert.Equal(1, third.Clearings);

        // Cleared twice, or recorded twice, is once.
        Assert.Null(await Do(done => second.Clear(0, "me", done)));
        Assert.Null(await Do(done => second.Record(2, 28, done)));
        Assert.Equal(3, _journal.Events.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_the_journal_does_not_acknowledge_is_not_said_to_be_durable(bool written)
    {
        JournalFaultStore store = Node();
        Assert.Empty(await Read(store));
        _journal.FailNext = written;
        Assert.Contains("has not acknowledged what happened to domain 0 of volume v", await Do(done => store.Record(0, 5, done)), StringComparison.Ordinal);
        Assert.Equal(written ? 1 : 0, (await Read(Node())).Count);

        // Nor that it is cleared.
        JournalFaultStore next = Node();
        await Read(next);
        Assert.Null(await Do(done => next.Record(0, 5, done)));
        _journal.FailNext = false;
        Assert.NotNull(await Do(done => next.Clear(0, "me", done)));
        Assert.Single(await Read(Node()));
    }

    [Fact]
    public async Task Who_opens_a_volume_waits_for_the_journal_and_gives_up_with_its_reason()
    {
        JournalFaultStore store = Node();
        Assert.Null(await Do(done => store.Record(0, 5, done)));
        _journal.Broken = true;
        JournalFaultStore next = Node();
        using CancellationTokenSource soon = new(TimeSpan.FromMilliseconds(300));
        OperationCanceledException e = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => next.ReadAsync(soon.Token));
        Assert.Contains("the faults of volume v can't be read from the journal", e.Message, StringComparison.Ordinal);
        Task<IReadOnlyList<VolumeFaultRecorded>> reading = Read(next);
        _journal.Broken = false;
        Assert.Single(await reading);
    }

    [Fact]
    public async Task A_failed_flush_that_the_journal_does_not_take_stays_unanswered_and_stops_the_volume()
    {
        JournalFaultStore store = Node();
        await Read(store);
        using VolumeHarness volume = new(faults: store);
        TestGuest guest = volume.Open("d0");
        volume.Run();
        guest.Send(0, RingOp.Flush);
        volume.Run();
        _journal.Broken = true;
        volume.Device.Complete(DeviceOp.Flush, Errno.EIO);
        await RunUntil(volume, () => volume.Status.Stopped.IsCompleted);
        volume.Run();
        Assert.Empty(guest.Replies);
        Assert.Empty(guest.Unanswered);
        Assert.NotNull(guest.ClosedBecause);
        Assert.Contains("F6", await volume.Status.Stopped, StringComparison.Ordinal);
        Assert.Empty(_journal.Events);
    }

    [Fact]
    public async Task A_failed_flush_is_answered_when_the_journal_has_it()
    {
        JournalFaultStore store = Node();
        await Read(store);
        using VolumeHarness volume = new(faults: store);
        TestGuest guest = volume.Open("d0");
        volume.Run();
        guest.Send(0, RingOp.Flush);
        volume.Run();
        _journal.Gate = new TaskCompletionSource();
        volume.Device.Complete(DeviceOp.Flush, Errno.EIO);
        volume.Run();
        Assert.Empty(guest.Replies);
        _journal.Gate.SetResult();
        await RunUntil(volume, () => guest.Replies.Count > 0);
        Assert.Equal([new RingReply(0, Errno.EIO)], guest.Replies);
        Assert.Single(_journal.Events);
    }

    private static async Task RunUntil(VolumeHarness volume, Func<bool> condition)
    {
        for (DateTime end = DateTime.UtcNow + s_patience; !condition(); await Task.Delay(5))
        {
            Assert.True(DateTime.UtcNow < end, "it did not come");
            volume.Run();
        }
    }

    private static Task<string?> Do(Action<Action<string?>> act)
    {
        TaskCompletionSource<string?> done = new();
        act(done.SetResult);
        return done.Task.WaitAsync(s_patience);
    }

    private static async Task<IReadOnlyList<VolumeFaultRecorded>> Read(JournalFaultStore store)
    {
        using CancellationTokenSource patience = new(s_patience);
        return await store.ReadAsync(patience.Token);
    }

    // Another process, on the same journal.
    private JournalFaultStore Node(long epoch = 1)
    {
        LocalSystem system = new(NullLogger<LocalSystem>.Instance)
        {
            Persistence = new PersistenceSetup(new LocalJournal(_journal), new EventFormat(VolumeFaultFormat.Kinds)),
        };
        ActorRef Actor(Props props) => system.ActorOf(props, "actor", ThreadPoolDispatcher.Instance);
        return new JournalFaultStore("v", Actor(new Props(() => new PersistentOwner("the history", new Props(() => new FaultHistory("v")), Actor))), TimeProvider.System, epoch);
    }
}
