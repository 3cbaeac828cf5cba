namespace Scheduler.Nbd.Access;

/// <summary>Which disks a client may know of. What it may not know of is to it as if it were not there.</summary>
public readonly record struct Sight
{
    private readonly bool _all;

    private Sight(bool all, string? guest)
    {
        _all = all;
        Guest = guest;
    }

    /// <summary>All disks: nothing tells clients from each other.</summary>
    public static Sight All => new(true, null);

    /// <summary>No disk; also the default.</summary>
    public static Sight None => default;

    /// <summary>The guest whose disks it is, if it is one guest's.</summary>
    public string? Guest { get; }

    /// <summary>The disks of one guest.</summary>
    /// <param name="guest">Name of the guest.</param>
    /// <returns>The sight.</returns>
    public static Sight Of(string guest) => new(false, guest);

    /// <summary>Whether it includes a guest's disks.</summary>
    /// <param name="guest">Name of the guest.</param>
    /// <returns>Whether it does.</returns>
    public bool Includes(string guest) => _all || string.Equals(Guest, guest, StringComparison.Ordinal);
}
