namespace Scheduler.Storage.Lease;

/// <summary>Who had a volume before, as its lease's row says: an owner's name, with <c>/left</c> behind it if it gave the volume back.</summary>
/// <param name="Owner">Who it was.</param>
/// <param name="HasLeft">It gave the volume back, after all its I/O had ended: what keeps others out may still be in its name.</param>
public sealed record FormerOwner(LeaseOwner Owner, bool HasLeft)
{
    private const string Left = "/left";

    /// <summary>Nobody has taken the lease since: nobody else has begun to exclude it.</summary>
    public bool IsLatest { get; init; } = true;

    /// <summary>The name of one that gave the volume back, as it is stored.</summary>
    /// <param name="owner">The name that it had as owner.</param>
    public static string NameOfLeft(string owner) => owner + Left;

    /// <summary>Reads a name.</summary>
    /// <param name="name">What the row has: <see cref="LeaseOwner.ToString"/>, or <see cref="NameOfLeft"/> of it.</param>
    /// <exception cref="FormatException">It is none.</exception>
    /// <returns>The former owner.</returns>
    public static FormerOwner Parse(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        bool left = name.EndsWith(Left, StringComparison.Ordinal);
        return new FormerOwner(LeaseOwner.Parse(left ? name[..^Left.Length] : name), left);
    }

    /// <summary>The name, as it is stored.</summary>
    public override string ToString() => HasLeft ? NameOfLeft(Owner.ToString()) : Owner.ToString();
}
