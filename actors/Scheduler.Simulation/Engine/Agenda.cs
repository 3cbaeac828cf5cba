namespace Scheduler.Simulation;

/// <summary>Something that happens at a time of the agenda.</summary>
internal interface IAgendaItem
{
    /// <summary>The time has come.</summary>
    /// <param name="tag">What it was put on the agenda with.</param>
    void Due(long tag);
}

/// <summary>What is to happen, by virtual time; in the order in which it was added where times are equal. A heap of four
/// children to a node: entries are values, and nothing is allocated for one.</summary>
internal sealed class Agenda
{
    private const int Children = 4;

    private Entry[] _heap = new Entry[64];
    private int _count;
    private long _numbers;

    /// <summary>Time of the first entry; <see cref="long.MaxValue"/> if there is none.</summary>
    public long FirstTimeNs => _count == 0 ? long.MaxValue : _heap[0].TimeNs;

    /// <summary>Adds an entry.</summary>
    public void Add(long timeNs, IAgendaItem item, long tag)
    {
        if (_count == _heap.Length)
            Array.Resize(ref _heap, _count * 2);
        Entry entry = new(timeNs, ++_numbers, item, tag);
        int place = _count++;
        while (place > 0)
        {
            int parent = (place - 1) / Children;
            if (!entry.IsBefore(_heap[parent]))
                break;
            _heap[place] = _heap[parent];
            place = parent;
        }

        _heap[place] = entry;
    }

    /// <summary>Takes the first entry out; there must be one.</summary>
    public (IAgendaItem Item, long Tag) Take()
    {
        Entry first = _heap[0];
        Entry last = _heap[--_count];
        _heap[_count] = default;
        if (_count > 0)
            Place(last);
        return (first.Item, first.Tag);
    }

    // Puts an entry where the first one was, and down from there.
    private void Place(in Entry entry)
    {
        int place = 0;
        while (true)
        {
            int child = (place * Children) + 1;
            if (child >= _count)
                break;
            int smallest = child;
            int end = Math.Min(child + Children, _count);
            for (int other = child + 1; other < end; other++)
            {
                if (_heap[other].IsBefore(_heap[smallest]))
                    smallest = other;
            }

            if (!_heap[smallest].IsBefore(entry))
                break;
            _heap[place] = _heap[smallest];
            place = smallest;
        }

        _heap[place] = entry;
    }

    private readonly struct Entry(long timeNs, long number, IAgendaItem item, long tag)
    {
        public readonly long TimeNs = timeNs;
        public readonly long Number = number;
        public readonly IAgendaItem Item = item;
        public readonly long Tag = tag;

        public bool IsBefore(in Entry other) => TimeNs < other.TimeNs || (TimeNs == other.TimeNs && Number < other.Number);
    }
}
