namespace Scheduler.Storage.Lease;

/// <summary>What a fence has done.</summary>
/// <param name="Excluded">The old owner writes no more: it is excluded, and its I/O has ended.</param>
/// <param name="Text">What was done, or why it was not: for the log, one line.</param>
public readonly record struct FenceAnswer(bool Excluded, string Text);

/// <summary>Keeps an old owner's writes out of a volume (S5). A lease alone does not: what it has in flight goes on.</summary>
public interface IFence
{
    /// <summary>Excludes an old owner, and waits until its I/O has ended. May be called again for one that is excluded.</summary>
    /// <param name="volume">Name of the volume.</param>
    /// <param name="owner">The old owner; never this process.</param>
    /// <param name="cancellation">Gives up; the outcome is then unknown.</param>
    /// <returns>Whether it is excluded.</returns>
    Task<FenceAnswer> ExcludeAsync(string volume, LeaseOwner owner, CancellationToken cancellation);
}

/// <summary>No fence: what an old owner has in flight may be written after the new one's first request.</summary>
public sealed class NoFence : IFence
{
    /// <inheritdoc/>
    public Task<FenceAnswer> ExcludeAsync(string volume, LeaseOwner owner, CancellationToken cancellation) =>
        Task.FromResult(new FenceAnswer(true, "without a fence: what it has in flight may still be written"));
}
