using Scheduler.Xen.Rings;

namespace Scheduler.Xen.Hypervisor;

/// <summary>What the hypervisor does for a backend.</summary>
internal interface IHypervisor
{
    /// <summary>Reaches a guest's granted pages.</summary>
    /// <param name="domain">The guest's domain.</param>
    /// <param name="problem">Why not.</param>
    /// <returns>The pages, the caller's to close; null if there is a problem.</returns>
    IGrants? OpenGrants(ushort domain, out string problem);

    /// <summary>Binds an event channel that a guest has offered.</summary>
    /// <param name="domain">The guest's domain.</param>
    /// <param name="port">Its end of the channel.</param>
    /// <param name="problem">Why not.</param>
    /// <returns>This end, the caller's to close; null if there is a problem.</returns>
    IRingBell? Bind(ushort domain, uint port, out string problem);
}

/// <summary>The pages that a guest grants.</summary>
internal interface IGrants
{
    /// <summary>Maps pages one after the other, to be read and written. Once for each object.</summary>
    /// <param name="grants">The pages; 1 to 16.</param>
    /// <param name="problem">Why not.</param>
    /// <returns>The first one's address; 0 if there is a problem.</returns>
    nint Map(ReadOnlySpan<uint> grants, out string problem);

    /// <summary>Unmaps what was mapped, if something was. From any thread.</summary>
    void Unmap();

    /// <summary>Copies to or from pages of the guest.</summary>
    /// <param name="pieces">What is copied; of pieces that could not be, the status is not 0.</param>
    /// <returns>False if nothing may have been copied at all.</returns>
    bool Copy(Span<GrantCopy> pieces);

    /// <summary>Reaches no page any more; <see cref="Unmap"/> comes before.</summary>
    void Close();
}
