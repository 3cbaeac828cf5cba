namespace Scheduler.Storage.Tests;

public abstract partial class DeviceSpecification
{
    [SkippableFact]
    public void Many_requests_in_flight_complete_once_each()
    {
        const int Count = 1024;
        DeviceDriver driver = Start();
        NativeBuffer data = Buffer(Count * Step).FillRandom(20);
        NativeBuffer read = Buffer(Count * Step);
        int[] errors = new int[Count];

        driver.RunAll(Requests(Count, DeviceOp.Write, data), errors);
        Assert.All(errors, error => Assert.Equal(0, error));
        Array.Fill(errors, -1);
        driver.RunAll(Requests(Count, DeviceOp.Read, read), errors);
        Assert.All(errors, error => Assert.Equal(0, error));

        if (Remembers)
            Assert.True(data.Bytes.SequenceEqual(read.Bytes));
    }

    [SkippableFact]
    public void A_mixed_batch_completes()
    {
        const int Count = 256;
        DeviceDriver driver = Start();
        NativeBuffer data = Buffer(Count * Step);
        NativeBuffer maps = Buffer(Count * AllocationMap.BufferBytes);
        DeviceOp[] ops = Enum.GetValues<DeviceOp>();
        DeviceRequest[] requests = new DeviceRequest[Count];
        for (int i = 0; i < Count; i++)
        {
            DeviceOp op = ops[i % ops.Length];
            nint buffer = op == DeviceOp.Status ? maps.Address : data.Address;
            bool flush = op == DeviceOp.Flush;
            requests[i] = new(
                0, op, i % 14 == 1 ? DeviceFlags.Dsync : 0, flush ? 0 : i * Step, flush ? 0 : Step, buffer + (i * Step));
        }

        int[] errors = new int[Count];
        driver.RunAll(requests, errors);

        Assert.All(errors, error => Assert.Equal(0, error));
    }

    [SkippableFact]
    public void The_owner_that_waits_is_called()
    {
        DeviceDriver driver = Start();
        NativeBuffer data = Buffer(Step);
        int[] errors = new int[1];

        // Collecting waits for the callback wherever the first reap after the submission finds nothing.
        for (int i = 0; i < 200; i++)
            driver.RunAll([new(0, i % 2 == 0 ? DeviceOp.Write : DeviceOp.Flush, 0, 0, i % 2 == 0 ? Step : 0, data.Address)], errors);

        Assert.Equal(0, errors[0]);
    }

    [SkippableFact]
    public void Reaping_in_small_rooms_loses_nothing()
    {
        const int Count = 64;
        DeviceDriver driver = Start();
        NativeBuffer data = Buffer(Count * Step);
        driver.Submit(Requests(Count, DeviceOp.Write, data));
        DeviceCompletion[] room = new DeviceCompletion[1];
        HashSet<ulong> tags = [];

        while (tags.Count < Count)
        {
            if (driver.Device.Reap(room) == 1)
                Assert.True(tags.Add(room[0].Tag));
            else
                Assert.True(driver.WaitReady(TimeSpan.FromSeconds(30)));
        }

        Assert.Equal(0, driver.Device.Reap(room));
    }

    [SkippableFact]
    public void An_empty_batch_is_nothing()
    {
        DeviceDriver driver = Start();

        driver.Device.Submit([]);

        Assert.Equal(0, driver.Device.Reap(new DeviceCompletion[1]));
    }

    [SkippableFact]
    public void Disposing_waits_for_what_is_in_flight()
    {
        const int Count = 256;
        DeviceDriver driver = Start();
        NativeBuffer data = Buffer(Count * Step).FillRandom(21);
        driver.Submit(Requests(Count, DeviceOp.Write, data));

        driver.Device.Dispose();
        driver.Device.Dispose();

        int[] errors = new int[Count];
        Array.Fill(errors, -1);
        driver.Collect(Count, errors);
        Assert.All(errors, error => Assert.Equal(0, error));
        Assert.Throws<ObjectDisposedException>(() => driver.Submit(Requests(1, DeviceOp.Write, data)));
    }

    [SkippableFact]
    public void The_warm_data_path_allocates_nothing()
    {
        const int Count = 32;
        const int Rounds = 100;
        DeviceDriver driver = Start();
        NativeBuffer data = Buffer(Count * Step);
        DeviceRequest[] writes = Requests(Count, DeviceOp.Write, data);
        DeviceRequest[] reads = Requests(Count, DeviceOp.Read, data);
        int[] errors = new int[Count];
        Repeat(Rounds);

        // The test runner allocates a little at times; what a request costs would show in every try.
        long bytesMin = long.MaxValue;
        for (int i = 0; i < 5 && bytesMin > 0; i++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            Repeat(Rounds);
            bytesMin = Math.Min(bytesMin, (GC.GetTotalAllocatedBytes(precise: true) - before) / (2 * Count * Rounds));
        }

        Assert.InRange(bytesMin, 0, 1);

        void Repeat(int rounds)
        {
            for (int i = 0; i < rounds; i++)
            {
                driver.RunAll(writes, errors);
                driver.RunAll(reads, errors);
            }
        }
    }

    private static DeviceRequest[] Requests(int count, DeviceOp op, NativeBuffer buffer)
    {
        DeviceRequest[] requests = new DeviceRequest[count];
        for (int i = 0; i < count; i++)
            requests[i] = new(0, op, DeviceFlags.None, (long)i * Step, Step, buffer.Address + (i * Step));
        return requests;
    }
}
