using Scheduler.Storage.Journal;

namespace Scheduler.Storage.Tests.Journal;

/// <summary>What was done when the golden files were captured, in the order of the calls, over two starts of the writer. An
/// empty manifest is that of an event whose serializer has none.</summary>
internal static class GoldenStory
{
    /// <summary>Does it on a journal of ours.</summary>
    /// <param name="open">Starts a writer.</param>
    public static async Task TellAsync(Func<Task<IEventJournal>> open)
    {
        await using (IEventJournal first = await open())
        {
            await first.AppendAsync([Happened("a", 1)]);
            await first.AppendAsync([Happened("a", 2)]);
            await first.AppendAsync([Plain("a", 3)]);
            await first.AppendAsync([Happened("a", 4)]);
            await first.SaveSnapshotAsync(new JournalSnapshot("a", 4, "state/1", 7109, "s4"u8.ToArray()));
            await first.AppendAsync([Happened("a", 5)]);
            await first.DeleteAsync("a", 3);
            await first.AppendAsync([Plain("b", 1)]);
            await first.AppendAsync([Plain("b", 2)]);
            await first.DeleteAsync("b", 2);
        }

        await using IEventJournal second = await open();
        await second.AppendAsync([Happened("a", 6)]);
        await second.SaveSnapshotAsync(new JournalSnapshot("a", 6, "state/1", 7109, "s6"u8.ToArray()));
        await second.DeleteSnapshotsAsync("a", 5);
        await second.AppendAsync([new JournalEvent("b", 3, "S", 17, "text"u8.ToArray())]);
        await second.SaveSnapshotAsync(new JournalSnapshot("b", 3, "", 7109, "p3"u8.ToArray()));
        await second.AppendAsync([Plain("b", 4)]);
        await second.DeleteAsync("b", 4);
    }

    private static JournalEvent Happened(string id, long number) =>
        new(id, number, "happened/1", 7109, System.Text.Encoding.UTF8.GetBytes($$"""{"n":{{number}}}"""));

    private static JournalEvent Plain(string id, long number) => new(id, number, "", 7109, System.Text.Encoding.UTF8.GetBytes($"p{number}"));
}
