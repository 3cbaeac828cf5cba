using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Scheduler.Actors.Tests;

internal sealed record Added(long Amount, string By);

internal sealed record Total(long Value);

[JsonSourceGenerationOptions(UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(Added))]
[JsonSerializable(typeof(Total))]
internal sealed partial class CounterJson : JsonSerializerContext;

/// <summary>Adds to the total; answered with the total.</summary>
internal sealed record Add(long Amount, Action<string> Done) : IExpectsAnswer
{
    public void Refuse(string reason) => Done("refused: " + reason);
}

/// <summary>Adds each, with an event each; nested: each in the handler of the one before. Answered after each with the total.</summary>
internal sealed record AddAll(long[] Amounts, bool Nested, Action<string> Done);

/// <summary>A persistent actor of the tests: a total, with a snapshot after every so many events.</summary>
internal sealed class Counter(int snapshotEvery = int.MaxValue, Action<object>? recovered = null) : PersistentActor
{
    private long _total;

    /// <summary>Version 1 had no author.</summary>
    public static EventFormat Format { get; } = new(
    [
        new EventKind("added", CounterJson.Default.Added, ObjectOfTwo),
        new EventKind("total", CounterJson.Default.Total),
    ]);

    public override string PersistenceId => "counter";

    public override void OnRecover(object message)
    {
        recovered?.Invoke(message);
        switch (message)
        {
            case SnapshotOffer offer:
                _total = ((Total)offer.Snapshot).Value;
                break;
            case Added added:
                _total += added.Amount;
                break;
        }
    }

    public override void OnCommand(object message)
    {
        switch (message)
        {
            case Add { Amount: 0 } look:
                look.Done(Text);
                break;
            case Add add:
                Persist(add.Amount, add.Done);
                break;
            case AddAll { Nested: true } all:
                Persist(all.Amounts[0], text =>
                {
                    all.Done(text);
                    if (all.Amounts.Length > 1)
                        OnCommand(all with { Amounts = all.Amounts[1..] });
                });
                break;
            case AddAll all:
                foreach (long amount in all.Amounts)
                    Persist(amount, all.Done);
                break;
            case SaveSnapshotSuccess saved:
                recovered?.Invoke(saved);
                break;
        }
    }

    private void Persist(long amount, Action<string> done)
    {
        ActorRef? sender = Sender;
        Persist(new Added(amount, "test"), happened =>
        {
            _total += ((Added)happened).Amount;
            Assert.Equal(sender, Sender);
            done(Text);
            if (LastSequenceNr % snapshotEvery == 0)
                SaveSnapshot(new Total(_total));
        });
    }

    private string Text => $"{_total} after {LastSequenceNr}";

    private static JsonObject ObjectOfTwo(JsonObject one)
    {
        one["By"] = "somebody";
        return one;
    }
}
