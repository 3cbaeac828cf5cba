using System.Numerics;

namespace Scheduler.Storage;

/// <summary>A first-in, first-out queue in one array that grows by doubling and never shrinks. Not synchronized.</summary>
/// <typeparam name="T">A struct without references: what leaves the queue is not cleared.</typeparam>
internal sealed class RingQueue<T>
    where T : unmanaged
{
    private T[] _items;
    private int _head;

    public RingQueue(int capacity = 64)
    {
        _items = new T[(int)BitOperations.RoundUpToPowerOf2((uint)capacity)];
    }

    public int Count { get; private set; }

    public void Enqueue(in T item)
    {
        if (Count == _items.Length)
            Grow(Count + 1);
        _items[(_head + Count) & (_items.Length - 1)] = item;
        Count++;
    }

    public void Enqueue(ReadOnlySpan<T> items)
    {
        if (Count + items.Length > _items.Length)
            Grow(Count + items.Length);
        int tail = (_head + Count) & (_items.Length - 1);
        int first = Math.Min(items.Length, _items.Length - tail);
        items[..first].CopyTo(_items.AsSpan(tail));
        items[first..].CopyTo(_items);
        Count += items.Length;
    }

    /// <summary>The oldest item, which the queue must have.</summary>
    public ref readonly T Peek()
    {
        if (Count == 0)
            throw new InvalidOperationException("The queue is empty.");
        return ref _items[_head];
    }

    public bool TryDequeue(out T item)
    {
        if (Count == 0)
        {
            item = default;
            return false;
        }

        item = _items[_head];
        _head = (_head + 1) & (_items.Length - 1);
        Count--;
        return true;
    }

    /// <summary>Moves the oldest items out, as many as there are and as fit.</summary>
    /// <returns>How many.</returns>
    public int Dequeue(Span<T> room)
    {
        int count = Math.Min(Count, room.Length);
        int first = Math.Min(count, _items.Length - _head);
        _items.AsSpan(_head, first).CopyTo(room);
        _items.AsSpan(0, count - first).CopyTo(room[first..]);
        _head = (_head + count) & (_items.Length - 1);
        Count -= count;
        return count;
    }

    private void Grow(int needed)
    {
        T[] larger = new T[(int)BitOperations.RoundUpToPowerOf2((uint)needed)];
        int count = Count;
        Dequeue(larger);
        _items = larger;
        _head = 0;
        Count = count;
    }
}
