using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using Scheduler.Xen.Blkif;
using Scheduler.Xen.Client;
using Scheduler.Xen.Hypervisor;
using Scheduler.Xen.Rings;
using Scheduler.Xen.Store;

namespace Scheduler.Xen.Tests.Vbd;

/// <summary>Domains in this process: memory in place of pages, sockets in place of event channels.</summary>
internal sealed class TestHypervisor : IHypervisor
{
    private readonly ConcurrentDictionary<(ushort Domain, uint Port), TestGuest> _channels = [];
    private int _maps;
    private int _bound;

    /// <summary>Rings whose pages are mapped.</summary>
    public int Maps => Volatile.Read(ref _maps);

    /// <summary>Event channels that are bound.</summary>
    public int Bound => Volatile.Read(ref _bound);

    /// <summary>Told, on the ring's loop, of the bytes that are about to be copied.</summary>
    public Action<int>? Copying { get; set; }

    /// <summary>What to do before an event channel of a domain is bound.</summary>
    public Action<ushort> Binding { get; set; } = _ => { };

    public void Add(TestGuest guest) => _channels[(guest.Domain, guest.Port)] = guest;

    public void Remove(TestGuest guest) => _ = _channels.TryRemove((guest.Domain, guest.Port), out _);

    public IGrants? OpenGrants(ushort domain, out string problem)
    {
        problem = "";
        return new Grants(this, domain);
    }

    public IRingBell? Bind(ushort domain, uint port, out string problem)
    {
        Binding(domain);
        if (!_channels.TryGetValue((domain, port), out TestGuest? guest))
        {
            problem = $"event channel {port} of domain {domain} can't be bound: there is none";
            return null;
        }

        problem = "";
        _ = Interlocked.Increment(ref _bound);
        return new Bell(this, StoreCalls.Duplicate((int)guest.FarEnd.Handle));
    }

    private sealed unsafe class Grants(TestHypervisor hypervisor, ushort domain) : IGrants
    {
        // Rings of one domain have their own pages each here, by the same numbers.
        private TestGuest? _guest;
        private bool _mapped;

        public nint Map(ReadOnlySpan<uint> grants, out string problem)
        {
            uint first = grants[0];
            TestGuest? guest = Guest(g => g.RingGrant == first && g.RingPages == 1);
            for (int i = 1; i < grants.Length; i++)
                guest = grants[i] == first + i ? Guest(g => g.RingGrant == first) : null;
            problem = guest is null ? "the ring's pages can't be mapped: they are not granted" : "";
            if (guest is null)
                return 0;
            (_guest, _mapped) = (guest, true);
            _ = Interlocked.Increment(ref hypervisor._maps);
            return guest.Memory;
        }

        public void Unmap()
        {
            if (_mapped)
                _ = Interlocked.Decrement(ref hypervisor._maps);
            _mapped = false;
        }

        public bool Copy(Span<GrantCopy> pieces)
        {
            int bytes = 0;
            foreach (ref readonly GrantCopy piece in pieces)
                bytes += piece.Length;
            hypervisor.Copying?.Invoke(bytes);
            foreach (ref GrantCopy piece in pieces)
            {
                bool toGuest = piece.Flags == GrantCopy.ToGuest;
                GrantPlace place = toGuest ? piece.TargetGrant : piece.SourceGrant;
                TestGuest? guest = place.Grant < _guest?.DataPages ? _guest : null;
                if (guest is null || place.Domain != domain || place.Offset + piece.Length > BlkifAbi.PageBytes)
                {
                    piece.Status = -3;
                    continue;
                }

                byte* page = (byte*)guest.Memory + ((long)(guest.RingPages + place.Grant) * BlkifAbi.PageBytes) + place.Offset;
                if (toGuest)
                    Buffer.MemoryCopy((void*)piece.SourceAddress, page, piece.Length, piece.Length);
                else
                    Buffer.MemoryCopy(page, (void*)piece.TargetAddress, piece.Length, piece.Length);
            }

            return true;
        }

        public void Close()
        {
        }

        private TestGuest? Guest(Func<TestGuest, bool> which) => hypervisor._channels.Values.FirstOrDefault(g => g.Domain == domain && which(g));
    }

    private sealed unsafe class Bell(TestHypervisor hypervisor, int socket) : IRingBell
    {
        public int Descriptor => socket;

        public void Open()
        {
        }

        public bool Hear()
        {
            byte bell;
            return DeviceCalls.Read(socket, &bell, 1) != 0;
        }

        public bool Ring()
        {
            byte bell = 1;
            _ = DeviceCalls.Write(socket, &bell, 1);
            return true;
        }

        public void Close()
        {
            _ = Interlocked.Decrement(ref hypervisor._bound);
            new SafeSocketHandle(socket, ownsHandle: true).Dispose();
        }
    }
}

/// <summary>One ring of a domain: its pages, and its end of an event channel.</summary>
internal sealed class TestGuest : IDisposable
{
    public TestGuest(ushort domain, uint port, int ringOrder, int dataPages = 300)
    {
        (Domain, Port, RingPages, DataPages) = (domain, port, 1 << ringOrder, dataPages);
        string path = Path.Combine(Path.GetTempPath(), $"scheduler-test-{Guid.NewGuid():N}");
        using Socket listener = new(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        Socket near = new(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);
        near.Connect(new UnixDomainSocketEndPoint(path));
        FarEnd = listener.Accept();
        File.Delete(path);
        nint length = (nint)(RingPages + dataPages) * BlkifAbi.PageBytes;
        const int Anonymous = 0x20;
        Memory = MemoryCalls.Map(0, (nuint)length, MemoryCalls.ReadWrite, MemoryCalls.Shared | Anonymous, -1, 0);
        Ring = new RingClient(near, Memory, length, ringOrder, dataPages, new Dictionary<string, string>());
    }

    public ushort Domain { get; }

    public uint Port { get; }

    public int RingPages { get; }

    public int DataPages { get; }

    /// <summary>The first of the ring's grants; those of data are 0 and so on.</summary>
    public uint RingGrant => 100_000 + (Port * 16);

    public nint Memory { get; }

    public RingClient Ring { get; }

    public Socket FarEnd { get; }

    /// <summary>What its front end writes.</summary>
    public IEnumerable<(string Node, string Value)> Nodes()
    {
        yield return ("event-channel", Text(Port));
        if (RingPages == 1)
        {
            yield return ("ring-ref", Text(RingGrant));
            yield break;
        }

        for (uint i = 0; i < RingPages; i++)
            yield return ($"ring-ref{i}", Text(RingGrant + i));
    }

    public void Dispose()
    {
        FarEnd.Dispose();
        Ring.Dispose();
    }

    private static string Text(uint number) => number.ToString(CultureInfo.InvariantCulture);
}
