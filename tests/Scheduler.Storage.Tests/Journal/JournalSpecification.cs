using System.Text;
using Scheduler.Storage.Journal;

namespace Scheduler.Storage.Tests.Journal;

/// <summary>What every journal does. A subclass for each kind says where one is.</summary>
public abstract class JournalSpecification : IAsyncLifetime
{
    private readonly List<IEventJournal> _opened = [];

    [SkippableFact]
    public async Task What_was_appended_is_read_in_order_by_whoever_opens_it_next()
    {
        IEventJournal journal = await OpenAsync();
        await journal.AppendAsync([Event("a", 1), Event("a", 2)]);
        await journal.AppendAsync([Event("a", 3), Event("b", 1)]);

        IEventJournal next = await OpenAsync();

        Assert.Equal(["a 1 thing/1 17 a1", "a 2 thing/1 17 a2", "a 3 thing/1 17 a3"], await TextsAsync(next, "a"));
        Assert.Equal(["a 3 thing/1 17 a3"], await TextsAsync(next, "a", 3));
        Assert.Equal(["b 1 thing/1 17 b1"], await TextsAsync(next, "b"));
        Assert.Empty(await TextsAsync(next, "c"));
        Assert.Empty(await TextsAsync(next, "a", 4));
        Assert.Equal(3, await next.HighestAsync("a"));
        Assert.Equal(0, await next.HighestAsync("c"));
    }

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(1)]
    [InlineData(4)]
    public async Task A_number_that_is_not_the_next_is_refused_and_nothing_is_appended(long number)
    {
        IEventJournal journal = await OpenAsync();
        await journal.AppendAsync([Event("a", 1), Event("a", 2)]);

        SequenceConflictException e = await Assert.ThrowsAsync<SequenceConflictException>(
            () => journal.AppendAsync([Event("b", 1), Event("a", number), Event("a", number + 1)]).AsTask());

        Assert.Contains($"event {number} of a", e.Message, StringComparison.Ordinal);
        Assert.Equal(2, await journal.HighestAsync("a"));
        Assert.Equal(0, await journal.HighestAsync("b"));
        await journal.AppendAsync([Event("a", 3)]);
    }

    [SkippableFact]
    public async Task Of_two_writers_one_is_refused_and_their_events_are_not_mixed()
    {
        IEventJournal[] writers = [await OpenAsync(), await OpenAsync()];
        const int Rounds = 20;
        int refused = 0;
        for (long number = 1; number <= Rounds; number++)
        {
            Task[] appends = [.. writers.Select((writer, index) => writer.AppendAsync([Event("a", number, $"w{index}")]).AsTask())];
            foreach (Task append in appends)
            {
                if (await Record.ExceptionAsync(() => append) is Exception e)
                {
                    Assert.IsType<SequenceConflictException>(e);
                    refused++;
                }
            }
        }

        Assert.Equal(Rounds, refused);
        Assert.Equal(Rounds, (await TextsAsync(writers[0], "a")).Count);
    }

    [SkippableFact]
    public async Task Many_writers_at_once_each_keep_their_own_order()
    {
        IEventJournal journal = await OpenAsync();
        await Task.WhenAll(Enumerable.Range(0, 30).Select(async writer =>
        {
            for (long number = 1; number <= 5; number++)
                await journal.AppendAsync([Event($"w{writer}", number)]);
        }));

        for (int writer = 0; writer < 30; writer++)
            Assert.Equal(5, (await TextsAsync(journal, $"w{writer}")).Count);
    }

    [SkippableFact]
    public async Task A_refused_append_takes_nothing_back_of_those_beside_it()
    {
        IEventJournal journal = await OpenAsync();
        Task[] appends = [.. Enumerable.Range(0, 40).Select(writer => journal.AppendAsync([Event($"w{writer}", 1 + (writer % 2))]).AsTask())];
        for (int writer = 0; writer < appends.Length; writer++)
        {
            Exception? e = await Record.ExceptionAsync(() => appends[writer]);
            Assert.Equal(writer % 2 == 1, e is SequenceConflictException);
            Assert.Equal(writer % 2 == 0 ? 1 : 0, await journal.HighestAsync($"w{writer}"));
        }
    }

    [SkippableFact]
    public async Task Deleted_events_are_not_read_and_their_numbers_are_not_used_again()
    {
        IEventJournal journal = await OpenAsync();
        await journal.AppendAsync([.. Enumerable.Range(1, 5).Select(number => Event("a", number))]);
        await journal.AppendAsync([Event("b", 1)]);

        await journal.DeleteAsync("a", 3);
        Assert.Equal(["a 4 thing/1 17 a4", "a 5 thing/1 17 a5"], await TextsAsync(journal, "a"));
        Assert.Equal(["a 4 thing/1 17 a4", "a 5 thing/1 17 a5"], await TextsAsync(journal, "a", 2));

        await journal.DeleteAsync("a", 100);
        Assert.Empty(await TextsAsync(journal, "a"));

        journal = await OpenAsync();
        Assert.Equal(5, await journal.HighestAsync("a"));
        Assert.Single(await TextsAsync(journal, "b"));
        await Assert.ThrowsAsync<SequenceConflictException>(() => journal.AppendAsync([Event("a", 1)]).AsTask());
        await journal.AppendAsync([Event("a", 6)]);
        Assert.Equal(["a 6 thing/1 17 a6"], await TextsAsync(journal, "a"));

        await journal.DeleteAsync("nobody", 7);
        Assert.Equal(0, await journal.HighestAsync("nobody"));
    }

    [SkippableFact]
    public async Task A_gap_is_damage_and_names_what_is_missing()
    {
        // A snapshot that is ahead of the events raises the next number.
        IEventJournal journal = await OpenAsync();
        await journal.AppendAsync([Event("a", 1)]);
        await journal.SaveSnapshotAsync(Snapshot("a", 4));
        await journal.AppendAsync([Event("a", 5)]);

        JournalDamagedException e = await Assert.ThrowsAsync<JournalDamagedException>(() => TextsAsync(journal, "a"));
        Assert.Contains("of a, event 2 is missing, the next one is 5", e.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<JournalDamagedException>(() => TextsAsync(journal, "a", 4));
        Assert.Single(await TextsAsync(journal, "a", 5));
    }

    [SkippableFact]
    public async Task More_events_than_a_page_are_read()
    {
        IEventJournal journal = await OpenAsync();
        await journal.AppendAsync([.. Enumerable.Range(1, 600).Select(number => Event("a", number))]);
        await journal.DeleteAsync("a", 3);

        List<string> texts = await TextsAsync(journal, "a");

        Assert.Equal(597, texts.Count);
        Assert.Equal("a 600 thing/1 17 a600", texts[^1]);
    }

    [SkippableFact]
    public async Task The_newest_snapshot_is_loaded_and_one_with_its_number_replaced()
    {
        IEventJournal journal = await OpenAsync();
        Assert.Null(await journal.LoadSnapshotAsync("a"));
        await journal.SaveSnapshotAsync(Snapshot("a", 3));
        await journal.SaveSnapshotAsync(Snapshot("a", 7));
        await journal.SaveSnapshotAsync(Snapshot("a", 5));
        await journal.SaveSnapshotAsync(new JournalSnapshot("a", 7, "other/2", 18, "again"u8.ToArray()));

        journal = await OpenAsync();
        JournalSnapshot? newest = await journal.LoadSnapshotAsync("a");
        Assert.Equal(("a", 7L, "other/2", 18, "again"), (newest!.PersistenceId, newest.SequenceNumber, newest.Manifest, newest.SerializerId, Text(newest.State)));
        Assert.Equal(7, await journal.HighestAsync("a"));

        await journal.DeleteSnapshotsAsync("a", 5);
        Assert.Equal(7, (await journal.LoadSnapshotAsync("a"))!.SequenceNumber);
        await journal.DeleteSnapshotsAsync("a", 7);
        Assert.Null(await journal.LoadSnapshotAsync("a"));
    }

    [SkippableFact]
    public async Task Texts_and_bytes_come_back_as_they_were()
    {
        IEventJournal journal = await OpenAsync();
        byte[] bytes = [.. Enumerable.Range(0, 1 << 20).Select(i => (byte)(i * 31))];
        string id = new('ä', 250);
        await journal.AppendAsync([new JournalEvent(id, 1, "", int.MinValue, bytes), new JournalEvent(id, 2, "'; --\n\\", int.MaxValue, default)]);

        List<JournalEvent> events = [];
        await foreach (JournalEvent item in journal.ReadAsync(id))
            events.Add(item);

        Assert.Equal((id, 1L, "", int.MinValue), (events[0].PersistenceId, events[0].SequenceNumber, events[0].Manifest, events[0].SerializerId));
        Assert.Equal(bytes, events[0].Message.ToArray());
        Assert.Equal(("'; --\n\\", int.MaxValue, 0), (events[1].Manifest, events[1].SerializerId, events[1].Message.Length));
    }

    [SkippableFact]
    public async Task What_is_out_of_bounds_is_refused()
    {
        IEventJournal journal = await OpenAsync();
        IReadOnlyList<JournalEvent>[] wrong =
        [
            [],
            [Event("", 1)],
            [Event(new string('a', 256), 1)],
            [Event("a\0", 1)],
            [Event("a", 0)],
            [Event("a", 1), Event("a", 3)],
            [Event("a", 1), Event("a", 1)],
            [new JournalEvent("a", 1, new string('m', 501), 1, default)],
            [new JournalEvent("a", 1, "", 1, new byte[(1 << 20) + 1])],
        ];
        foreach (IReadOnlyList<JournalEvent> events in wrong)
            await Assert.ThrowsAnyAsync<ArgumentException>(() => journal.AppendAsync(events).AsTask());
        await Assert.ThrowsAnyAsync<ArgumentException>(() => journal.SaveSnapshotAsync(Snapshot("a", 0)).AsTask());
        await Assert.ThrowsAnyAsync<ArgumentException>(() => TextsAsync(journal, "a", 0));
        Assert.Equal(0, await journal.HighestAsync("a"));
    }

    [SkippableFact]
    public async Task Who_gives_up_is_let_go()
    {
        IEventJournal journal = await OpenAsync();
        CancellationToken gone = new(canceled: true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => journal.AppendAsync([Event("a", 1)], gone).AsTask());
        Assert.Equal(0, await journal.HighestAsync("a"));
    }

    public virtual Task InitializeAsync() => Task.CompletedTask;

    public virtual async Task DisposeAsync()
    {
        foreach (IEventJournal journal in _opened)
            await journal.DisposeAsync();
    }

    /// <summary>Opens the test's journal, again if it has been opened before; the others stay open.</summary>
    protected abstract Task<IEventJournal> OpenJournalAsync();

    protected static JournalEvent Event(string id, long number, string? text = null) =>
        new(id, number, "thing/1", 17, Encoding.UTF8.GetBytes(text ?? $"{id}{number}"));

    protected static JournalSnapshot Snapshot(string id, long number) => new(id, number, "state/1", 17, Encoding.UTF8.GetBytes($"{id}{number}"));

    protected static async Task<List<string>> TextsAsync(IEventJournal journal, string id, long from = 1)
    {
        List<string> texts = [];
        await foreach (JournalEvent item in journal.ReadAsync(id, from))
            texts.Add($"{item.PersistenceId} {item.SequenceNumber} {item.Manifest} {item.SerializerId} {Text(item.Message)}");
        return texts;
    }

    /// <summary>A journal with the golden rows is read, and continued without a gap.</summary>
    protected static async Task GoesOnWithAkkasRowsAsync(IEventJournal journal)
    {
        Assert.Equal(
            ["a 4 happened/1 7109 {\"n\":4}", "a 5 happened/1 7109 {\"n\":5}", "a 6 happened/1 7109 {\"n\":6}"], await TextsAsync(journal, "a"));
        Assert.Empty(await TextsAsync(journal, "b"));
        Assert.Equal((6, 4), (await journal.HighestAsync("a"), await journal.HighestAsync("b")));
        JournalSnapshot snapshot = (await journal.LoadSnapshotAsync("a"))!;
        Assert.Equal((6, "state/1", 7109, "s6"), (snapshot.SequenceNumber, snapshot.Manifest, snapshot.SerializerId, Text(snapshot.State)));
        await journal.AppendAsync([Event("a", 7), Event("b", 5)]);
        await journal.DeleteAsync("a", 4);
        Assert.Equal(["b 5 thing/1 17 b5"], await TextsAsync(journal, "b"));
    }

    protected async Task<IEventJournal> OpenAsync()
    {
        IEventJournal journal = await OpenJournalAsync();
        _opened.Add(journal);
        return journal;
    }

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);
}
