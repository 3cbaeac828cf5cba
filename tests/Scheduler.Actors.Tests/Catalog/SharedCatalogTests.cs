using System.Globalization;
using static Scheduler.Actors.Tests.CatalogSamples;

namespace Scheduler.Actors.Tests;

/// <summary>The catalog of several processes on one journal.</summary>
public sealed class SharedCatalogTests
{
    private readonly TestJournal _journal = new();
    private readonly EventFormat _format = new(CatalogFormat.Kinds);

    [Fact]
    public async Task Who_is_second_is_refused_and_decides_on_what_the_first_has_done()
    {
        SharedCatalog one = await StartAsync();
        SharedCatalog two = await StartAsync();
        CatalogEvent first = Decided(one, new PutEntity(Guest(), "one", 0));
        CatalogEvent second = Decided(two, new PutEntity(Guest() with { Weight = 7 }, "two", 0));
        Assert.True(await one.AppendAsync(first));
        Assert.False(await two.AppendAsync(second));
        Assert.Null(two.State.Find<CatalogGuest>("g"));
        await two.ReadOnAsync();
        Assert.Equal(one.State.Entries, two.State.Entries);
        CatalogDecision again = two.State.Decide(new PutEntity(Guest() with { Weight = 7 }, "two", 0), At, _ => false);
        Assert.Equal(CatalogProblem.RevisionDiffers, again.Refusal!.Problem);
        _ = Assert.Single(_journal.Events);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Reading_on_tells_what_an_append_that_failed_has_done(bool written)
    {
        SharedCatalog one = await StartAsync();
        _journal.FailNext = written;
        _ = await Assert.ThrowsAsync<Storage.Journal.JournalUnavailableException>(() => one.AppendAsync(Decided(one, new PutEntity(Guest(), "one"))));
        Assert.Null(one.State.Find<CatalogGuest>("g"));
        await one.ReadOnAsync();
        Assert.Equal(written, one.State.Find<CatalogGuest>("g") is not null);
        Assert.True(await one.AppendAsync(Decided(one, new PutEntity(Guest("h"), "one"))));
        Assert.Equal(written ? 2 : 1, (await StartAsync()).Number);
    }

    [Fact]
    public async Task What_does_not_fit_the_file_of_one_process_is_not_taken_there_until_it_is_put_right()
    {
        SharedCatalog one = await StartAsync();
        SharedCatalog two = await StartAsync(Guest("x"));
        await MakeAsync(one, new PutEntity(Guest("g"), "one"));
        await MakeAsync(one, new PutEntity(Guest("x"), "one"));
        CatalogConflictException conflict = await Assert.ThrowsAsync<CatalogConflictException>(two.ReadOnAsync);
        Assert.Contains("guest x (declared by the configuration file) and guest x (of the journal)", conflict.Message, StringComparison.Ordinal);
        Assert.Equal((0L, 1), (two.Number, two.State.Entries.Count()));
        Assert.False(await two.AppendAsync(Decided(two, new PutEntity(Guest("h"), "two"))));
        await MakeAsync(one, new DeleteEntity(CatalogKind.Guest, "x", "one"));
        await two.ReadOnAsync();
        Assert.Equal((3L, 2), (two.Number, two.State.Entries.Count()));
        Assert.True(two.State.Find(CatalogKind.Guest, "x")!.IsDeclared);
    }

    [Fact]
    public async Task A_snapshot_of_one_process_is_for_all()
    {
        SharedCatalog one = await StartAsync();
        for (int weight = 1; weight <= 25; weight++)
            await MakeAsync(one, new PutEntity(Guest(weight == 1 ? "first" : "g") with { Weight = weight }, "one"));
        Assert.Equal(20, _journal.Snapshot!.SequenceNumber);
        SharedCatalog two = await StartAsync(Volume());
        Assert.Equal((25, 1L, 25L), (two.Number, two.State.Find(CatalogKind.Guest, "first")!.Revision, two.State.Find(CatalogKind.Guest, "g")!.Revision));

        // What is declared is nobody else's.
        await MakeAsync(two, new PutEntity(Guest("last"), "two"));
        Assert.Null((await StartAsync()).State.Find(CatalogKind.Volume, "v"));
    }

    /// <summary>Processes that change, fail, read on and start anew in any order: each acknowledged change is there once, each was
    /// decided on all that was there before it, and all processes see the same.</summary>
    [Fact]
    public async Task No_change_is_lost_or_made_twice_or_decided_on_what_is_old()
    {
        for (int seed = 1; seed <= 200; seed++)
        {
            SharedCatalogTests run = new();
            Random random = new(seed);
            SharedCatalog[] processes = [await run.StartAsync(Volume()), await run.StartAsync(Volume()), await run.StartAsync(Volume())];
            CatalogEvent?[] decided = new CatalogEvent?[processes.Length];
            List<string> acknowledged = [];
            for (int step = 0; step < 120; step++)
            {
                int at = random.Next(processes.Length);
                SharedCatalog process = processes[at];
                switch (random.Next(8))
                {
                    case 0:
                        await process.ReadOnAsync();
                        decided[at] = null;
                        break;
                    case 1 when random.Next(4) == 0:
                        processes[at] = await run.StartAsync(Volume());
                        decided[at] = null;
                        break;
                    case 2 when decided[at] is { } doubtful:
                        run._journal.FailNext = random.Next(2) == 0;
                        try
                        {
                            if (await process.AppendAsync(doubtful))
                                acknowledged.Add(doubtful.By);
                        }
                        catch (Storage.Journal.JournalUnavailableException)
                        {
                            await process.ReadOnAsync();
                        }

                        run._journal.FailNext = null;
                        decided[at] = null;
                        break;
                    case 3 or 4 or 5 when decided[at] is { } change:
                        if (await process.AppendAsync(change))
                            acknowledged.Add(change.By);
                        else
                            await process.ReadOnAsync();
                        decided[at] = null;
                        break;
                    default:
                        decided[at] = process.State.Decide(Any(random, string.Create(CultureInfo.InvariantCulture, $"{at}-{step}")), At, _ => false).Event;
                        break;
                }

                // What was decided then is decided on what is old.
                if (decided[at] is not null && random.Next(3) == 0)
                {
                    int other = (at + 1) % processes.Length;
                    await MakeAsync(processes[other], Any(random, string.Create(CultureInfo.InvariantCulture, $"other-{step}")), acknowledged);
                    decided[other] = null;
                }
            }

            IReadOnlyList<CatalogChange> history = await CatalogHistory.ReadAsync(run._journal, run._format, long.MaxValue, CatalogHistory.CountMax, default);
            Assert.Empty(acknowledged.Except(history.Select(change => change.Event.By)));
            Assert.Equal(history.Count, history.Select(change => change.Event.By).Distinct().Count());

            // Each event is one that its command comes to on what the events before it say.
            CatalogState state = CatalogState.Empty.Declare([Volume()]).State!;
            foreach (CatalogChange change in history.Reverse())
            {
                CatalogCommand command = change.Event.After is { } after ? new PutEntity(after, "again") : new DeleteEntity(change.Event.Key.Kind, change.Event.Key.Name, "again");
                Assert.Null(state.Decide(command, At, _ => false).Refusal);
                state = state.Apply(change.Event, change.SequenceNumber);
            }

            foreach (SharedCatalog process in processes)
            {
                await process.ReadOnAsync();
                Assert.Equal(state.Entries.Where(entry => !entry.IsDeclared), process.State.Entries.Where(entry => !entry.IsDeclared));
            }
        }
    }

    private static CatalogCommand Any(Random random, string by)
    {
        string name = "abc"[random.Next(3)].ToString();
        return random.Next(5) switch
        {
            0 => new DeleteEntity(CatalogKind.Disk, name, by),
            1 => new DeleteEntity(CatalogKind.Guest, name, by),
            2 => new PutEntity(Disk(name, size: 4 * MiB * (1 + random.Next(4)), guest: "abc"[random.Next(3)].ToString()), by),
            _ => new PutEntity(Guest(name) with { Weight = 1 + random.Next(1000) }, by),
        };
    }

    private static CatalogEvent Decided(SharedCatalog catalog, CatalogCommand command) => catalog.State.Decide(command, At, _ => false).Event!;

    private static async Task MakeAsync(SharedCatalog catalog, CatalogCommand command, List<string>? acknowledged = null)
    {
        await catalog.ReadOnAsync();
        if (catalog.State.Decide(command, At, _ => false).Event is { } decided)
        {
            Assert.True(await catalog.AppendAsync(decided));
            acknowledged?.Add(decided.By);
        }
    }

    private async Task<SharedCatalog> StartAsync(params CatalogEntity[] declared)
    {
        SharedCatalog catalog = new(_journal, _format, eventsPerSnapshot: 10);
        await catalog.RecoverAsync(declared);
        return catalog;
    }
}
