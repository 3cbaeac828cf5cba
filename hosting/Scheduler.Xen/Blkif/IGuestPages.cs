namespace Scheduler.Xen.Blkif;

/// <summary>The pages that a guest lets the backend use. The guest may write to them at any time.</summary>
public interface IGuestPages
{
    /// <summary>Whether a grant names a page of the guest's.</summary>
    /// <param name="grant">The grant.</param>
    /// <returns>Whether it does; of a grant that only the hypervisor can judge, true.</returns>
    bool Has(uint grant);

    /// <summary>Copies the beginning of a page, each byte once.</summary>
    /// <param name="grant">Names the page.</param>
    /// <param name="destination">Takes the bytes; not more than a page.</param>
    /// <returns>False if there is no such page.</returns>
    bool TryCopy(uint grant, Span<byte> destination);
}
