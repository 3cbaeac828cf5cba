namespace Scheduler.Storage.Lease;

/// <summary>What a fence has done.</summary>
/// <param name="Excluded">The old owner writes no more: it is excluded, and its I/O has ended.</param>
/// <param name="Text">What was done, or why it was not: for the log, one line.</param>
public readonly record struct FenceAnswer(bool Excluded, string Text);

/// <summary>Keeps an old owner's writes out of a volume (S5). A lease alone does not: what it has in flight goes on.</summary>
public interface IFence
{
    /// <summary>Excludes an old owner, and waits until its I/O has ended. May be called again for one that is excluded. One that
    /// has left has no I/O and is not to be ended: what keeps others out in its name does so in this process's from now on.</summary>
    /// <param name="volume">Name of the volume.</param>
    /// <param name="former">The old owner; never this process.</param>
    /// <param name="cancellation">Gives up; the outcome is then unknown.</param>
    /// <returns>Whether it is excluded.</returns>
    Task<FenceAnswer> ExcludeAsync(string volume, FormerOwner former, CancellationToken cancellation);

    /// <summary>Sees to it that a later owner can exclude this process: after all before it are excluded, before its first request.
    /// May be called again.</summary>
    /// <param name="volume">Name of the volume.</param>
    /// <param name="cancellation">Gives up; the outcome is then unknown.</param>
    /// <returns>Whether it may begin, and what was done; without text: nothing.</returns>
    Task<FenceAnswer> EnterAsync(string volume, CancellationToken cancellation) => Task.FromResult(new FenceAnswer(true, ""));
}

/// <summary>No fence: what an old owner has in flight may be written after the new one's first request.</summary>
public sealed class NoFence : IFence
{
    /// <inheritdoc/>
    public Task<FenceAnswer> ExcludeAsync(string volume, FormerOwner former, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(former);
        return Task.FromResult(new FenceAnswer(true, former.HasLeft ? "" : "without a fence: what it has in flight may still be written"));
    }
}
