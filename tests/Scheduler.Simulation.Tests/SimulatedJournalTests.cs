using System.Text.Json.Serialization;
using Scheduler.Actors;

namespace Scheduler.Simulation.Tests;

/// <summary>Persistent actors under seeds: crashes and failing appends lose nothing that was acknowledged.</summary>
public sealed class SimulatedJournalTests
{
    private const int Commands = 200;

    [Fact]
    public void What_was_acknowledged_survives_every_crash_and_nothing_is_there_twice()
    {
        int crashesWithWork = 0;
        for (int seed = 0; seed < 200; seed++)
            crashesWithWork += Run(seed);
        Assert.True(crashesWithWork > 100, $"only {crashesWithWork} crashes came while something was being written");
    }

    [Fact]
    public void The_same_seed_gives_the_same_run() => Assert.Equal(Trace(7), Trace(7));

    private static string Trace(int seed)
    {
        List<string> trace = [];
        _ = Run(seed, trace.Add);
        return string.Join('\n', trace);
    }

    // Lives of one log until each of its entries was tried; returns the crashes while an entry was unanswered.
    private static int Run(int seed, Action<string>? trace = null)
    {
        Random random = new(seed);
        JournalRecords records = new();
        List<int> acknowledged = [];
        int next = 0;
        int crashes = 0;
        long now = 0;
        for (int life = 0; next < Commands; life++)
        {
            SimulatedSystem system = new(random, now);
            system.Persistence = new PersistenceSetup(new SimulatedJournal(system, records, random) { FailOneOf = 6 }, Log.Format);
            List<int>? recovered = null;
            SimulatedActor owner = system.ActorOf(
                new Props(() => new PersistentOwner("log", new Props(() => new Log(entries => recovered = entries)), props => system.ActorOf(props, "log"))), "owner");
            int outstanding = 0;
            for (int steps = random.Next(150); steps > 0 && next < Commands; steps--)
            {
                if (outstanding == 0 || (outstanding < 3 && random.Next(50) == 0))
                {
                    int number = next++;
                    outstanding++;
                    owner.Tell(new Write(
                        number,
                        done =>
                        {
                            outstanding--;
                            trace?.Invoke($"{system.NowNs} {number} {done}");
                            if (done)
                                acknowledged.Add(number);
                        }));
                }

                // At rest: everything is answered, or waits for nothing.
                if (!system.Advance())
                    break;
                if (recovered is not null)
                    AssertHolds(seed, acknowledged, recovered);
                recovered = null;
            }

            crashes += outstanding > 0 ? 1 : 0;
            now = system.NowNs;
        }

        AssertHolds(seed, acknowledged, [.. records.Events("log").Select(stored => ((Written)Log.Format.Read(stored.Manifest, stored.SerializerId, stored.Message, "event")).Number)]);
        return crashes;
    }

    private static void AssertHolds(int seed, List<int> acknowledged, List<int> recovered)
    {
        Assert.True(acknowledged.All(recovered.Contains), $"seed {seed}: acknowledged {string.Join(' ', acknowledged)}, recovered {string.Join(' ', recovered)}");
        Assert.True(recovered.Distinct().Count() == recovered.Count && recovered.Order().SequenceEqual(recovered), $"seed {seed}: recovered {string.Join(' ', recovered)}");
    }

    private sealed record Write(int Number, Action<bool> Done) : IExpectsAnswer
    {
        public void Refuse(string reason) => Done(false);
    }

    private sealed class Log(Action<List<int>> recovered) : PersistentActor
    {
        private List<int> _entries = [];

        public static EventFormat Format { get; } = new(
        [
            new EventKind("written", SimulatedJournalJson.Default.Written),
            new EventKind("entries", SimulatedJournalJson.Default.Entries),
        ]);

        public override string PersistenceId => "log";

        public override void OnRecover(object message)
        {
            switch (message)
            {
                case SnapshotOffer offer:
                    _entries = [.. ((Entries)offer.Snapshot).Numbers];
                    break;
                case Written written:
                    _entries.Add(written.Number);
                    break;
                case RecoveryCompleted:
                    recovered([.. _entries]);
                    break;
            }
        }

        public override void OnCommand(object message)
        {
            if (message is not Write write)
                return;
            Persist(new Written(write.Number), _ =>
            {
                _entries.Add(write.Number);
                write.Done(true);
                if (LastSequenceNr % 5 == 0)
                    SaveSnapshot(new Entries([.. _entries]));
            });
        }
    }
}

internal sealed record Written(int Number);

internal sealed record Entries(int[] Numbers);

[JsonSerializable(typeof(Written))]
[JsonSerializable(typeof(Entries))]
internal sealed partial class SimulatedJournalJson : JsonSerializerContext;
