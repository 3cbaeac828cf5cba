namespace Scheduler.Host.Cluster.Link;

/// <summary>Who waits for room in a budget.</summary>
internal interface ILinkWaiter
{
    /// <summary>There is room now, and it was taken.</summary>
    /// <param name="slot">The slot that waited.</param>
    void Granted(int slot);
}

/// <summary>
/// How many bytes of one guest's data may be on the way over one connection (S4). Both nodes keep count in the same way: the
/// guest's, before it sends a request, makes it wait for its turn; at the owner there is always room then, and where there is
/// not, the other node is wrong. The owner never counts a request longer than the guest's node does. On the link's loop.
/// </summary>
internal sealed class LinkBudget
{
    private readonly LinkedList<(ILinkWaiter Waiter, int Slot, int Bytes)> _line = new();

    /// <summary>Most bytes.</summary>
    public long BytesMax { get; private set; }

    /// <summary>Bytes on the way.</summary>
    public long InUse { get; private set; }

    /// <summary>Bytes that a request takes.</summary>
    /// <param name="bytes">Bytes of its data.</param>
    /// <returns>A power of two from 4096 on: the size of its buffer.</returns>
    public static int Rounded(int bytes) => GuestBuffers.SizeFor(bytes);

    /// <summary>Allows so much at least. Less than before is not asked for: the other node might not know of it yet.</summary>
    /// <param name="bytes">Bytes.</param>
    public void Raise(long bytes)
    {
        BytesMax = Math.Max(BytesMax, bytes);
        GrantLine();
    }

    /// <summary>Takes room for a request, unless others wait for it.</summary>
    /// <param name="bytes">Bytes of its data.</param>
    /// <returns>Whether there was room.</returns>
    public bool TryTake(int bytes)
    {
        if (_line.Count > 0 || InUse + Rounded(bytes) > BytesMax)
            return false;
        InUse += Rounded(bytes);
        return true;
    }

    /// <summary>Gets in line for room.</summary>
    /// <param name="waiter">Told when it was taken.</param>
    /// <param name="slot">The slot that waits.</param>
    /// <param name="bytes">Bytes of its data.</param>
    public void Wait(ILinkWaiter waiter, int slot, int bytes) => _line.AddLast((waiter, slot, bytes));

    /// <summary>Leaves the line with all its slots.</summary>
    /// <param name="waiter">Who waits no more.</param>
    public void Leave(ILinkWaiter waiter)
    {
        LinkedListNode<(ILinkWaiter Waiter, int Slot, int Bytes)>? node = _line.First;
        while (node is not null)
        {
            LinkedListNode<(ILinkWaiter Waiter, int Slot, int Bytes)>? next = node.Next;
            if (node.Value.Waiter == waiter)
                _line.Remove(node);
            node = next;
        }

        GrantLine();
    }

    /// <summary>A request has its data no more.</summary>
    /// <param name="bytes">Bytes of its data.</param>
    public void Return(int bytes) => ReturnRounded(Rounded(bytes));

    /// <summary>As <see cref="Return"/>, of several requests.</summary>
    /// <param name="bytes">The sum of what they took.</param>
    public void ReturnRounded(long bytes)
    {
        InUse -= bytes;
        GrantLine();
    }

    // In order, as far as there is room.
    private void GrantLine()
    {
        while (_line.First is { } first && InUse + Rounded(first.Value.Bytes) <= BytesMax)
        {
            _line.RemoveFirst();
            InUse += Rounded(first.Value.Bytes);
            first.Value.Waiter.Granted(first.Value.Slot);
        }
    }
}
