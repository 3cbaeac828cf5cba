// What a change of the catalog does to the running service.
//
//   Prepare   before the event is durable: whatever can fail, and all that must have happened when the change holds. A new
//             volume is opened; a disk that goes, shrinks or gets another owner is withdrawn, so that nobody connects meanwhile; a
//             changed volume is opened anew. The place of a new disk, or what it grows by, was zeroed before (DisksInMaking.cs).
//   Commit    when it is durable: the rest, which only fails with a volume that has stopped.
//   Undo      when it was refused after all.
//
// When nobody knows whether the event is durable, nothing more is done until the catalog has recovered; then FitAsync compares
// what it has with what runs, and makes up for the difference. So it is at the start, when nothing runs.
//
// In a cluster all nodes act on a change, but only the one that makes it prepares it. For a change of a disk that is the owner of
// its volume, who alone knows whether guests of any node use the disk. On the others FollowAsync does what is left.
using Scheduler.Actors;
using Scheduler.Storage;

namespace Scheduler.Host.Running;

/// <summary>A change that is ready to be made durable, or was refused.</summary>
/// <param name="Refusal">Why it can't be made; then nothing was changed.</param>
internal sealed record PreparedChange(CatalogRefusal? Refusal)
{
    /// <summary>Does the rest; gives what went wrong.</summary>
    public Func<CatalogState, Task<string?>> CommitAsync { get; init; } = _ => Task.FromResult<string?>(null);

    /// <summary>Takes back what was prepared.</summary>
    public Func<CatalogState, Task> UndoAsync { get; init; } = _ => Task.CompletedTask;
}

/// <summary>Acts on changes of the catalog.</summary>
/// <param name="parts">What runs.</param>
internal sealed class CatalogActions(RunningParts parts)
{
    private static readonly PreparedChange s_nothing = new((CatalogRefusal?)null);

    /// <summary>The space that has to be zeroed before a change: that of a new disk, or what one grows by.</summary>
    /// <param name="decided">The change, as the catalog has decided it.</param>
    /// <param name="state">The catalog before it.</param>
    /// <returns>The volume, the first byte there, and how many; null: none.</returns>
    public (RunningVolume Volume, long Offset, long Length)? ToZero(CatalogEvent decided, CatalogState state)
    {
        if (decided.After is not CatalogDisk { LogicalVolume: null } disk || parts.Find(disk.Volume) is not { } volume)
            return null;
        long kept = state.Find<CatalogDisk>(disk.Name) is { } before ? Math.Min(before.Size, disk.Size) : 0;
        return kept == disk.Size ? null : (volume, disk.Offset!.Value + kept, disk.Size - kept);
    }

    /// <summary>Prepares a change.</summary>
    /// <param name="decided">The change, as the catalog has decided it.</param>
    /// <param name="state">The catalog before it.</param>
    public async Task<PreparedChange> PrepareAsync(CatalogEvent decided, CatalogState state)
    {
        CatalogEntity? before = state.Find(decided.Key.Kind, decided.Key.Name)?.Entity;
        return (before, decided.After) switch
        {
            (null, CatalogVolume volume) => await OpenAsync(volume, state),
            (CatalogVolume old, CatalogVolume volume) => await ReopenAsync(old, volume, state),
            (CatalogVolume old, null) => new PreparedChange((CatalogRefusal?)null) { CommitAsync = _ => parts.CloseAsync(old.Name) },
            (_, CatalogGuest guest) => new PreparedChange((CatalogRefusal?)null) { CommitAsync = _ => parts.PutAsync(CatalogSettings.Settings(guest)) },
            (CatalogGuest old, null) => new PreparedChange((CatalogRefusal?)null)
            {
                CommitAsync = _ =>
                {
                    parts.KeepGuests(name => name != old.Name);
                    return Task.FromResult<string?>(null);
                },
            },
            (_, CatalogDisk disk) => await PlaceAsync(before as CatalogDisk, disk, state),
            (CatalogDisk old, null) => await WithdrawAsync(old, s_nothing),
            (CatalogIdentity, _) or (_, CatalogIdentity) => new PreparedChange((CatalogRefusal?)null)
            {
                CommitAsync = after =>
                {
                    parts.TakeIdentities(after);
                    return Task.FromResult<string?>(null);
                },
            },
            _ => s_nothing,
        };
    }

    /// <summary>Makes what runs what the catalog has. What can't be served is named in <see cref="RunningParts.Problems"/>.</summary>
    /// <param name="state">The catalog.</param>
    /// <param name="mustOpen">Whether a declared volume that can't be opened is an error.</param>
    /// <exception cref="VolumeOpenException">A declared volume can't be opened.</exception>
    public async Task FitAsync(CatalogState state, bool mustOpen = false)
    {
        List<string> problems = [];
        foreach (CatalogDisk disk in parts.Offered)
        {
            // What has only grown is changed in place, below.
            if (state.Find<CatalogDisk>(disk.Name) is not { } wanted || !IsGrown(disk, wanted))
                Add(await parts.WithdrawAsync(disk, force: true));
        }

        foreach (string name in parts.Volumes.Select(volume => volume.Settings.Name).ToList())
        {
            if (state.Find<CatalogVolume>(name) is not { } wanted || !wanted.IsSame(parts.Entity(name)!))
                Add(await parts.CloseAsync(name));
        }

        parts.KeepGuests(name => state.Find<CatalogGuest>(name) is not null);
        foreach (CatalogGuest guest in state.All<CatalogGuest>())
            Add(await parts.PutAsync(CatalogSettings.Settings(guest)));
        foreach (CatalogVolume volume in InFileOrder(state).Where(volume => parts.Entity(volume.Name) is null))
        {
            try
            {
                await parts.OpenAsync(volume, state);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException
                && !(mustOpen && state.Find(CatalogKind.Volume, volume.Name)!.IsDeclared))
            {
                Add($"volume {volume.Name}: {exception.Message}");
            }
        }

        Dictionary<string, CatalogDisk> offered = parts.Offered.ToDictionary(disk => disk.Name);
        foreach (CatalogDisk disk in state.All<CatalogDisk>())
        {
            // A logical volume that is not there was named when its group was read.
            if (parts.Entity(disk.Volume) is { IsGroup: false } && offered.GetValueOrDefault(disk.Name) != disk)
                Add(await parts.PutAsync(disk, state));
        }

        parts.TakeIdentities(state);
        parts.SetProblems(problems);

        void Add(string? problem)
        {
            if (problem is not null)
                problems.Add(problem);
        }
    }

    /// <summary>Makes what runs follow what other nodes of a cluster have changed. What goes wrong is added to
    /// <see cref="RunningParts.Problems"/>.</summary>
    /// <param name="before">The catalog that runs.</param>
    /// <param name="after">The catalog now.</param>
    /// <param name="peers">The other nodes.</param>
    public async Task FollowAsync(CatalogState before, CatalogState after, ICatalogPeers peers)
    {
        List<string> problems = [];
        HashSet<string> volumes = [];
        foreach (CatalogDisk disk in before.All<CatalogDisk>())
        {
            if (after.Find<CatalogDisk>(disk.Name) is not { } wanted || !IsGrown(disk, wanted))
                Add(await parts.WithdrawAsync(disk, force: true));
        }

        parts.KeepGuests(name => after.Find<CatalogGuest>(name) is not null);
        foreach (CatalogGuest guest in after.All<CatalogGuest>().Where(guest => before.Find<CatalogGuest>(guest.Name) != guest))
            Add(await parts.PutAsync(CatalogSettings.Settings(guest)));
        foreach (CatalogDisk disk in after.All<CatalogDisk>().Where(disk => before.Find<CatalogDisk>(disk.Name) != disk))
        {
            Add(await parts.PutAsync(disk, after));
            _ = volumes.Add(disk.Volume);
        }

        if (!before.All<CatalogIdentity>().SequenceEqual(after.All<CatalogIdentity>()))
            parts.TakeIdentities(after);
        if (problems.Count > 0)
            parts.SetProblems([.. parts.Problems.Concat(problems).Distinct()]);

        // Not waited for: it offers what it finds when this change is done.
        foreach (string volume in volumes.Where(volume => parts.Find(volume) is null))
            _ = peers.AskOwnerAsync(volume);

        void Add(string? problem)
        {
            if (problem is not null)
                problems.Add(problem);
        }
    }

    private static bool IsGrown(CatalogDisk before, CatalogDisk after) => before with { Size = after.Size } == after && after.Size >= before.Size;

    // The file says which volume is opened first.
    private IEnumerable<CatalogVolume> InFileOrder(CatalogState state) =>
        state.All<CatalogVolume>().OrderBy(volume => parts.PlaceInFile(volume.Name)).ThenBy(volume => volume.Name, StringComparer.Ordinal);

    private async Task<PreparedChange> OpenAsync(CatalogVolume volume, CatalogState state)
    {
        if (await TryOpenAsync(volume, state) is { } problem)
            return Refused(CatalogProblem.Invalid, $"volume {volume.Name}: {problem}");
        return new PreparedChange((CatalogRefusal?)null) { UndoAsync = _ => parts.CloseAsync(volume.Name) };
    }

    // Its scheduler takes these things at its start only.
    private async Task<PreparedChange> ReopenAsync(CatalogVolume before, CatalogVolume after, CatalogState state)
    {
        if (parts.HideUnlessUsed(before.Name) is { } used)
            return Refused(CatalogProblem.InUse, $"volume {before.Name} is opened anew for that, and disk {used} has clients; disconnect them first");
        await CloseAsync();
        if (await TryOpenAsync(after, state) is not { } problem)
            return new PreparedChange((CatalogRefusal?)null) { UndoAsync = BackAsync };
        await BackAsync(state);
        return Refused(CatalogProblem.Invalid, $"volume {before.Name}: {problem}");

        async Task BackAsync(CatalogState current)
        {
            await CloseAsync();
            if (await TryOpenAsync(before, current) is { } lost)
                parts.SetProblems([.. parts.Problems, $"volume {before.Name}: {lost}"]);
        }

        Task CloseAsync() => parts.CloseAsync(before.Name);
    }

    private async Task<PreparedChange> PlaceAsync(CatalogDisk? before, CatalogDisk disk, CatalogState state)
    {
        if (parts.Find(disk.Volume) is not { } volume || volume.Status.Stopped.IsCompleted)
            return Refused(CatalogProblem.InUse, $"disk {disk.Name}: volume {disk.Volume} is not served now; see /readyz and the log");

        // It is in place when it is durable.
        PreparedChange place = new((CatalogRefusal?)null) { CommitAsync = after => parts.PutAsync(disk, after) };
        if (before is not null && !IsGrown(before, disk))
        {
            PreparedChange withdrawn = await WithdrawAsync(before, place);
            if (withdrawn.Refusal is not null)
                return withdrawn;
            place = withdrawn;
        }

        if (before is not null || disk.LogicalVolume is null)
            return place;
        return await LogicalAsync(volume, disk, state) is { } problem
            ? Refused(CatalogProblem.InUse, $"disk {disk.Name}: {problem}")
            : place with { UndoAsync = _ => parts.WithdrawAsync(disk, force: true) };
    }

    // A logical volume keeps what is in it. Only by serving it is known that it can be.
    private async Task<string?> LogicalAsync(RunningVolume volume, CatalogDisk disk, CatalogState state) =>
        await volume.PutDiskAsync(CatalogSettings.Settings(disk, volume.Settings, CatalogSettings.Settings(state.Find<CatalogGuest>(disk.Guest)!)));

    private async Task<PreparedChange> WithdrawAsync(CatalogDisk disk, PreparedChange then) =>
        await parts.WithdrawAsync(disk, force: false) is { } problem
            ? Refused(CatalogProblem.InUse, problem + "; disconnect them first")
            : then with { UndoAsync = state => parts.PutAsync(disk, state) };

    private async Task<string?> TryOpenAsync(CatalogVolume volume, CatalogState state)
    {
        try
        {
            await parts.OpenAsync(volume, state);
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or InvalidOperationException)
        {
            return exception.Message;
        }
    }

    private static PreparedChange Refused(CatalogProblem problem, string reason) => new(new CatalogRefusal(problem, reason));
}
