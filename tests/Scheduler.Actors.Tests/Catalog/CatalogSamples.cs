namespace Scheduler.Actors.Tests;

internal static class CatalogSamples
{
    public const long MiB = 1 << 20;

    public static readonly DateTimeOffset At = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public static readonly string Sha = new('a', 64);

    public static CatalogVolume Volume(string name = "v", long size = 64 * MiB) => new() { Name = name, Path = "/dev/" + name, Size = size };

    public static CatalogVolume Group(string name = "vg") => new() { Name = name, PhysicalVolumes = ["/dev/" + name + "1", "/dev/" + name + "2"] };

    public static CatalogGuest Guest(string name = "g") => new() { Name = name };

    public static CatalogDisk Disk(string name = "d", long? offset = null, long size = 16 * MiB, string volume = "v", string guest = "g") =>
        new() { Name = name, Volume = volume, Guest = guest, Offset = offset, Size = size };

    public static CatalogToken Token(string name = "t") => new() { Name = name, Role = CatalogRole.Operator, Hash = Sha, Created = At };

    public static CatalogIdentity Identity(string name = "i", string value = "1000") =>
        new() { Name = name, Type = CatalogIdentityType.UnixUid, Value = value, Guest = "g" };
}

/// <summary>A catalog that is stepped without an actor.</summary>
internal sealed class SteppedCatalog
{
    public CatalogState State { get; private set; } = CatalogState.Empty;

    public long Number { get; private set; }

    public HashSet<string> Attached { get; } = [];

    public SteppedCatalog With(params CatalogEntity[] entities)
    {
        foreach (CatalogEntity entity in entities)
            Assert.Null(Put(entity));
        return this;
    }

    public void Declare(params CatalogEntity[] declared)
    {
        (CatalogState? state, string? problem) = State.Declare(declared);
        Assert.Null(problem);
        State = state!;
    }

    public CatalogRefusal? Put(CatalogEntity entity, long? expected = null) => Do(new PutEntity(entity, "me", expected));

    public CatalogRefusal? Delete(CatalogKind kind, string name, long? expected = null) => Do(new DeleteEntity(kind, name, "me", expected));

    public CatalogRefusal? Do(CatalogCommand command)
    {
        (CatalogEvent? happened, CatalogRefusal? refusal) = State.Decide(command, CatalogSamples.At, Attached.Contains);
        Assert.False(happened is not null && refusal is not null);
        if (happened is not null)
            State = State.Apply(happened, ++Number);
        return refusal;
    }

    public void IsRefused(CatalogEntity entity, CatalogProblem problem, params string[] words) => IsRefused(Put(entity), problem, words);

    public static void IsRefused(CatalogRefusal? refusal, CatalogProblem problem, params string[] words)
    {
        Assert.NotNull(refusal);
        Assert.Equal(problem, refusal.Problem);
        Assert.All(words, word => Assert.Contains(word, refusal.Reason, StringComparison.Ordinal));
    }
}
