using Scheduler.Storage.Journal;

namespace Scheduler.Storage.Tests.Journal;

public sealed class MemoryJournalTests : JournalSpecification
{
    private readonly MemoryJournal _journal = new();

    protected override Task<IEventJournal> OpenJournalAsync() => Task.FromResult<IEventJournal>(_journal);
}
