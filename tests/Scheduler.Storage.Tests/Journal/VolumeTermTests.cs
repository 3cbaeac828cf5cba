using System.Collections;
using System.Globalization;
using Scheduler.Storage.Journal;
using Scheduler.Storage.Lease;

namespace Scheduler.Storage.Tests.Journal;

/// <summary>S5: what an owner of a volume appends as its owner.</summary>
[Collection("postgres")]
public sealed class VolumeTermTests(PostgresServer server)
{
    private static readonly TimeSpan s_long = TimeSpan.FromMinutes(10);

    [SkippableFact]
    public async Task An_owner_that_was_replaced_appends_nothing_as_such()
    {
        string database = server.Cluster.NewDatabase();
        await using PostgresLeases leases = await PostgresLeases.OpenAsync(database);
        await using PostgresJournal journal = await PostgresJournal.OpenAsync(database);
        _ = await leases.TakeAsync("v", "a", TimeSpan.Zero);
        _ = await leases.TakeAsync("w", "a", s_long);

        // Nobody has come since it ran out.
        await journal.AppendAsync([Event(1)], new VolumeTerm("v", 1));
        _ = await leases.TakeAsync("v", "b", s_long);
        VolumeTakenException taken = await Assert.ThrowsAsync<VolumeTakenException>(() => journal.AppendAsync([Event(2)], new VolumeTerm("v", 1)).AsTask());
        Assert.Equal("volume v has been taken by another owner since epoch 1", taken.Message);
        _ = await Assert.ThrowsAsync<VolumeTakenException>(() => journal.AppendAsync([Event(2)], new VolumeTerm("x", 1)).AsTask());
        Assert.Equal(1, await journal.HighestAsync("a"));
        await journal.AppendAsync([Event(2)], new VolumeTerm("v", 2));
        await journal.AppendAsync([Event(3)], new VolumeTerm("w", 1));
        await journal.AppendAsync([Event(4)]);
        _ = await Assert.ThrowsAsync<SequenceConflictException>(() => journal.AppendAsync([Event(4)], new VolumeTerm("v", 2)).AsTask());
    }

    /// <summary>One owner after the other takes the volume and reads the journal, while those before it append.</summary>
    [SkippableFact]
    public async Task Nothing_of_an_owner_comes_after_the_next_one_has_read()
    {
        string database = server.Cluster.NewDatabase();
        await using PostgresLeases leases = await PostgresLeases.OpenAsync(database);
        await using PostgresJournal journal = await PostgresJournal.OpenAsync(database);
        long epoch = (await leases.TakeAsync("v", "0", TimeSpan.Zero)).Epoch;
        int appended = 0;
        using CancellationTokenSource enough = new();
        Task[] writers = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(WriteAsync))];
        Dictionary<long, long> read = [];
        for (int owner = 1; owner <= 20 || Volatile.Read(ref appended) < 20; owner++)
        {
            Assert.True(owner < 1000, $"only {appended} events");
            long taken = (await leases.TakeAsync("v", owner.ToString(CultureInfo.InvariantCulture), TimeSpan.Zero)).Epoch;
            read[taken] = await journal.HighestAsync("a");
            Volatile.Write(ref epoch, taken);
            await Task.Delay(5);
        }

        await enough.CancelAsync();
        await Task.WhenAll(writers);
        await foreach (JournalEvent written in journal.ReadAsync("a"))
        {
            long of = long.Parse(written.Manifest, CultureInfo.InvariantCulture);
            Assert.All(read.Where(next => next.Key > of), next => Assert.True(written.SequenceNumber <= next.Value, $"event {written.SequenceNumber} of epoch {of} is new to that of epoch {next.Key}, which had read {next.Value}"));
        }

        async Task WriteAsync()
        {
            while (!enough.IsCancellationRequested)
            {
                long mine = Volatile.Read(ref epoch);
                try
                {
                    await journal.AppendAsync(
                        [new JournalEvent("a", 1 + await journal.HighestAsync("a"), mine.ToString(CultureInfo.InvariantCulture), 9, default)], new VolumeTerm("v", mine));
                    _ = Interlocked.Increment(ref appended);
                }
                catch (Exception refused) when (refused is VolumeTakenException or SequenceConflictException)
                {
                    // The others were first.
                }
            }
        }
    }

    [SkippableFact]
    public async Task A_writer_that_stops_in_the_middle_keeps_others_waiting_for_some_seconds_only()
    {
        string database = server.Cluster.NewDatabase();
        await using PostgresJournal stopped = await PostgresJournal.OpenAsync(database);
        await using PostgresJournal journal = await PostgresJournal.OpenAsync(database);
        using StoppingList events = new([Event(1), Event(2)]);
        Task append = Task.Run(() => stopped.AppendAsync(events).AsTask());
        events.AwaitStop();
        try
        {
            await journal.AppendAsync([Event(1)]);
        }
        finally
        {
            events.GoOn();
        }

        _ = await Assert.ThrowsAsync<JournalUnavailableException>(() => append);
        Assert.Equal(1, await journal.HighestAsync("a"));
    }

    private static JournalEvent Event(long number) => new("a", number, "m", 9, default);

    /// <summary>Events of which the last is not there in time, when they are asked for the second time: for writing.</summary>
    private sealed class StoppingList(JournalEvent[] events) : IReadOnlyList<JournalEvent>, IDisposable
    {
        private readonly ManualResetEventSlim _stopped = new();
        private readonly ManualResetEventSlim _goesOn = new();
        private int _readings;

        public int Count => events.Length;

        public JournalEvent this[int index] => events[index];

        public void AwaitStop() => Assert.True(_stopped.Wait(TimeSpan.FromSeconds(20)));

        public void GoOn() => _goesOn.Set();

        public IEnumerator<JournalEvent> GetEnumerator()
        {
            bool writes = ++_readings == 2;
            for (int i = 0; i < events.Length; i++)
            {
                if (writes && i == events.Length - 1)
                {
                    _stopped.Set();
                    Assert.True(_goesOn.Wait(TimeSpan.FromSeconds(60)));
                }

                yield return events[i];
            }
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

        public void Dispose()
        {
            _stopped.Dispose();
            _goesOn.Dispose();
        }
    }
}
