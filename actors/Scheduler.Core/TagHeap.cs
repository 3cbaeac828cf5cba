namespace Scheduler.Core;

/// <summary>
/// A binary heap of guests by tag, smallest first, equal tags by guest number, so that every run is the same. A guest is in
/// it at most once and can be moved or removed from the middle. No allocation.
/// </summary>
internal sealed class TagHeap(int guests)
{
    private Guest[] _heap = new Guest[guests];
    private double[] _tag = new double[guests];
    private int[] _place = CreatePlaces(guests);

    public int Count { get; private set; }

    public Guest First => _heap[0];

    public double FirstTag => _tag[_heap[0].Index];

    /// <summary>Makes room for more guests.</summary>
    public void Grow(int guests)
    {
        int before = _place.Length;
        Array.Resize(ref _heap, guests);
        Array.Resize(ref _tag, guests);
        Array.Resize(ref _place, guests);
        _place.AsSpan(before).Fill(-1);
    }

    public bool Contains(Guest guest) => _place[guest.Index] >= 0;

    /// <summary>Puts a guest in, or moves it to another tag.</summary>
    public void Set(Guest guest, double tag)
    {
        _tag[guest.Index] = tag;
        int place = _place[guest.Index];
        if (place < 0)
        {
            place = Count++;
            _heap[place] = guest;
            _place[guest.Index] = place;
        }

        Down(Up(place));
    }

    public void Remove(Guest guest)
    {
        int place = _place[guest.Index];
        if (place < 0)
            return;
        _place[guest.Index] = -1;
        Count--;
        if (place == Count)
            return;
        Put(_heap[Count], place);
        Down(Up(place));
    }

    private static int[] CreatePlaces(int guests)
    {
        int[] places = new int[guests];
        Array.Fill(places, -1);
        return places;
    }

    private bool Before(Guest a, Guest b)
    {
        double x = _tag[a.Index];
        double y = _tag[b.Index];
        return x < y || (x == y && a.Index < b.Index);
    }

    private int Up(int place)
    {
        Guest guest = _heap[place];
        while (place > 0)
        {
            int parent = (place - 1) / 2;
            if (!Before(guest, _heap[parent]))
                break;
            Put(_heap[parent], place);
            place = parent;
        }

        Put(guest, place);
        return place;
    }

    private void Down(int place)
    {
        Guest guest = _heap[place];
        while (true)
        {
            int child = (2 * place) + 1;
            if (child >= Count)
                break;
            if (child + 1 < Count && Before(_heap[child + 1], _heap[child]))
                child++;
            if (!Before(_heap[child], guest))
                break;
            Put(_heap[child], place);
            place = child;
        }

        Put(guest, place);
    }

    private void Put(Guest guest, int place)
    {
        _heap[place] = guest;
        _place[guest.Index] = place;
    }
}
