using System.Net;
using System.Text;
using Scheduler.Interop.Tests.Harness;
using Scheduler.Interop.Tests.Nbd;

namespace Scheduler.Interop.Tests.Catalog;

/// <summary>A full disk under the journal: changes are refused with the reason, guests go on, and it recovers by itself.</summary>
public sealed class FullJournalTests
{
    [SkippableFact]
    public async Task Guests_go_on_and_changes_are_taken_again_when_there_is_room()
    {
        using TemporaryDirectory directory = new();
        using SmallFileSystem small = new(directory, mib: 2);
        string journal = Path.Combine(small.Path, "scheduler.db");
        using ServiceProcess service = ServiceProcess.Start(
            directory, Config.OneVolume(directory, "cache = buffered", disks: 1, diskMib: 4) + $"journal.sqlite = \"{journal}\"\n");
        using NbdClient client = NbdClient.Open(service, "d0");
        using HttpClient http = new() { BaseAddress = new Uri(service.AdminUrl) };
        Assert.Equal(HttpStatusCode.Created, (await PutAsync("before")).Status);

        // The journal's files have some room of their own left.
        Fill(Path.Combine(small.Path, "ballast"));
        (HttpStatusCode Status, string Text) answer = default;
        int made = 0;
        for (; made < 2_000 && (answer = await PutAsync($"g{made}x")).Status == HttpStatusCode.Created; made++)
        {
        }

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.Status);
        Assert.Contains(journal, answer.Text, StringComparison.Ordinal);
        Assert.Equal(0u, client.CallWrite(0, new byte[4096], NbdClient.Fua));
        Assert.Equal(0u, client.Call(NbdClient.Flush));

        File.Delete(Path.Combine(small.Path, "ballast"));
        small.Grow(16);
        DateTime deadline = DateTime.UtcNow.AddSeconds(60);
        while ((answer = await PutAsync("after")).Status != HttpStatusCode.Created)
        {
            Assert.True(DateTime.UtcNow < deadline, answer.Text);
            Assert.Equal(0u, client.CallWrite(0, new byte[4096], NbdClient.Fua));
            await Task.Delay(100);
        }

        service.AssertNothingBroke();
        service.Stop();

        async Task<(HttpStatusCode Status, string Text)> PutAsync(string name)
        {
            using StringContent body = new("{}", Encoding.UTF8, "application/json");
            using HttpResponseMessage response = await http.PutAsync($"/api/v1/guests/{name}", body);
            return (response.StatusCode, await response.Content.ReadAsStringAsync());
        }
    }

    private static void Fill(string path)
    {
        using FileStream file = File.Create(path, bufferSize: 0);
        byte[] block = new byte[4096];
        try
        {
            while (true)
                file.Write(block);
        }
        catch (IOException)
        {
            // It is full.
        }
    }
}
